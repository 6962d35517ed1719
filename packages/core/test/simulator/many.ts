import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { coverage } from './coverage.ts';
import type { Outcome } from './outcome.ts';
import { runSchedule } from './schedule.ts';
import { Tally, type TallyData } from './tally.ts';

interface Share {
  readonly count: number;
  readonly seed: number;
  readonly every: number;
}
type Report = { readonly violated: number } | { readonly tally: TallyData } | { readonly done: number };

const reportEvery = 500;

/** Stories from `seed` on, dealt out to threads. Resolves with the seed of one that broke an invariant, or with what they came to. */
export async function runMany(
  count: number,
  seed: number,
  threads: number,
  onProgress: (done: number) => void,
): Promise<{ readonly violated: number } | { readonly tally: Tally }> {
  const tally = new Tally();
  let done = 0;
  const { promise: violated, resolve: violate, reject } = Promise.withResolvers<number>();
  const workers = Array.from({ length: threads }, (_, index) => {
    const share: Share = { count: Math.ceil((count - index) / threads), seed: seed + index, every: threads };
    // A story leaves some MiB behind: with the usual 16 a quarter of the time is spent on clearing up.
    return new Worker(new URL(import.meta.url), { workerData: share, resourceLimits: { maxYoungGenerationSizeMb: 128 } });
  });
  const ended = workers.map(
    (worker) =>
      new Promise<void>((resolve) => {
        worker.on('message', (report: Report) => {
          if ('violated' in report) violate(report.violated);
          else if ('done' in report) {
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
  const first = await Promise.race([violated, Promise.all(ended).then(() => null)]);
  await Promise.all(workers.map((worker) => worker.terminate()));
  return first === null ? { tally } : { violated: first };
}

async function runShare({ count, seed, every }: Share, report: (text: Report) => void): Promise<void> {
  // Failures are what stories are made of; nobody looks at where they come from.
  Error.stackTraceLimit = 0;
  const tally = new Tally();
  for (let index = 0; index < count; index++) {
    const outcome: Outcome = await runSchedule({ seed: seed + index * every });
    if (outcome.violation !== null) {
      report({ violated: outcome.seed });
      return;
    }
    tally.add(outcome);
    if (index % reportEvery === reportEvery - 1) report({ done: reportEvery });
  }
  report({ tally: tally.data(coverage.visits) });
}

if (!isMainThread && parentPort !== null) await runShare(workerData as Share, (report) => parentPort!.postMessage(report));
