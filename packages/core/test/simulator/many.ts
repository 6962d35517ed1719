import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { coverage } from './coverage.ts';
import type { Outcome } from './outcome.ts';
import { runSchedule } from './schedule.ts';
import { Tally, type TallyData } from './tally.ts';

interface Share {
  readonly count: number;
  readonly seed: number;
  readonly every: number;
  readonly isAll: boolean;
  readonly rarity: number;
}
type Report = { readonly violated: number } | { readonly tally: TallyData } | { readonly done: number };

const reportEvery = 500;

export interface ManyOptions {
  readonly threads: number;
  /** Goes on after a story that broke an invariant. */
  readonly isAll: boolean;
  readonly rarity: number;
  onProgress(done: number): void;
  onViolated(seed: number): void;
}

/** Stories from `seed` on, dealt out to threads. Resolves with the seeds of those that broke an invariant, and what the others came to. */
export async function runMany(
  count: number,
  seed: number,
  { threads, isAll, rarity, onProgress, onViolated }: ManyOptions,
): Promise<{ readonly violated: readonly number[]; readonly tally: Tally }> {
  const tally = new Tally();
  const violated: number[] = [];
  let done = 0;
  const { promise: isFirst, resolve: violate, reject } = Promise.withResolvers<void>();
  const workers = Array.from({ length: threads }, (_, index) => {
    const share: Share = { count: Math.ceil((count - index) / threads), seed: seed + index, every: threads, isAll, rarity };
    // A story leaves some MiB behind: with the usual 16 a quarter of the time is spent on clearing up.
    return new Worker(new URL(import.meta.url), { workerData: share, resourceLimits: { maxYoungGenerationSizeMb: 128 } });
  });
  const ended = workers.map(
    (worker) =>
      new Promise<void>((resolve) => {
        worker.on('message', (report: Report) => {
          if ('violated' in report) {
            violated.push(report.violated);
            onViolated(report.violated);
            if (!isAll) violate();
          } else if ('done' in report) {
            done += report.done;
            onProgress(done);
          } else {
            tally.merge(report.tally);
            resolve();
          }
        });
        worker.on('error', reject);
      }),
  );
  await Promise.race([isFirst, Promise.all(ended)]);
  await Promise.all(workers.map((worker) => worker.terminate()));
  return { violated, tally };
}

async function runShare({ count, seed, every, isAll, rarity }: Share, report: (text: Report) => void): Promise<void> {
  // Failures are what stories are made of; nobody looks at where they come from.
  Error.stackTraceLimit = 0;
  const tally = new Tally();
  for (let index = 0; index < count; index++) {
    const outcome: Outcome = await runSchedule({ seed: seed + index * every, rarity });
    if (outcome.violation !== null) {
      report({ violated: outcome.seed });
      if (!isAll) return;
    } else tally.add(outcome);
    if (index % reportEvery === reportEvery - 1) report({ done: reportEvery });
  }
  report({ tally: tally.data(coverage.visits) });
}

if (!isMainThread && parentPort !== null) await runShare(workerData as Share, (report) => parentPort!.postMessage(report));
