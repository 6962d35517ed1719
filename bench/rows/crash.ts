import { setTimeout as pause } from 'node:timers/promises';
import { type Bench, messageOf, rounds, whileUp } from '../bench.ts';
import { crewOf, type Launched } from '../launch.ts';
import { measures } from '../measures.ts';
import { add, note } from '../series.ts';
import { lastStart, msBetween } from '../stamps.ts';

const workers = 100;
/** Long enough for supervisors that call a shorter life a failed start (1 s). */
const settleMs = 3000;
const successorMs = 20_000;
const budgetMs = 120_000;

/** One worker after another, each for the first time, so that no backoff is measured. */
export async function crash(bench: Bench): Promise<void> {
  for (const peer of bench.contenders('crash')) {
    const series = bench.results.of('crash', measures.crash, workers, peer.name);
    if (peer.note !== undefined) note(series, peer.note);
    bench.progress(`crash: ${peer.name}`);
    try {
      await whileUp(bench, peer, workers, async (launched) => {
        await pause(settleMs);
        const crew = crewOf(launched);
        for (let index = 0; index < bench.options.kills; index++) {
          add(series, await successor(launched, crew.workers, index));
          await pause(20);
        }
      });
    } catch (error) {
      series.failed = messageOf(error);
    }
  }
}

/** From the kill of a worker to the first instruction of its successor, ms. */
export async function successor({ stamps }: Launched, pids: ReadonlyMap<number, number>, index: number): Promise<number> {
  const pid = pids.get(index);
  if (pid === undefined) throw new Error(`worker ${index} did not run any more when it was to be killed`);
  const killedNs = process.hrtime.bigint();
  process.kill(pid, 'SIGKILL');
  const next = await stamps.until((all) => all.findLast((stamp) => stamp.index === index && stamp.ns > killedNs)?.ns ?? null, successorMs, { everyMs: 1 });
  if (next === null) throw new Error(`worker ${index} had no successor within ${successorMs / 1000} s`);
  return msBetween(killedNs, next);
}

/** Every worker of 100 is killed in one go. */
export async function atOnce(bench: Bench): Promise<void> {
  await rounds(bench.contenders('at-once'), bench.options.repeats(workers), budgetMs, async (peer, round) => {
    const series = bench.results.of('at-once', measures.atOnce, workers, peer.name);
    if (peer.note !== undefined) note(series, peer.note);
    bench.progress(`at once: ${peer.name}, ${round + 1}`);
    try {
      const ms = await whileUp(bench, peer, workers, async (launched) => {
        await pause(settleMs);
        const pids = [...crewOf(launched).workers.values()];
        const killedNs = process.hrtime.bigint();
        for (const pid of pids) process.kill(pid, 'SIGKILL');
        const last = await launched.stamps.until(
          (all) =>
            lastStart(
              all.filter(({ ns }) => ns > killedNs),
              workers,
            ),
          60_000,
        );
        if (last === null) throw new Error('not all were running again after 60 s');
        return msBetween(killedNs, last);
      });
      add(series, ms);
      return true;
    } catch (error) {
      series.failed = messageOf(error);
      return false;
    }
  });
}
