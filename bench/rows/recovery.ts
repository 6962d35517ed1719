import { setTimeout as pause } from 'node:timers/promises';
import { ask } from '../ask.ts';
import { type Bench, messageOf, onSite, rounds } from '../bench.ts';
import { allStarted, crewOf, type Launched, launch, said } from '../launch.ts';
import { measures } from '../measures.ts';
import { socketOf } from '../peers/ostler.ts';
import { add, note } from '../series.ts';
import type { Site } from '../site.ts';
import { msBetween, starts } from '../stamps.ts';

const workers = 100;
const settleMs = 3000;
const adoptMs = 60_000;
/** How long a peer gets to start its workers a second time. */
const secondStartMs = 10_000;
const budgetMs = 120_000;

/** The supervisor alone is killed by kill -9 and started again with the same command. */
export async function recovery(bench: Bench): Promise<void> {
  await rounds(bench.contenders('recovery'), bench.options.repeats(workers), budgetMs, async (peer, round) => {
    // Of the others it is the number of second starts that tells, and that is the same each time.
    if (peer.name !== 'ostler' && round > 0) return true;
    const { results } = bench;
    const series = results.of('recovery', measures.recovery, workers, peer.name);
    bench.progress(`recovery: ${peer.name}, ${round + 1}`);
    try {
      await onSite(bench, peer, workers, async (site) => {
        const first = launch(peer, site);
        await allStarted(first);
        await pause(settleMs);
        const crew = crewOf(first);
        const before = starts(first.stamps.read());
        // What it has started for itself must see to its own end.
        const own = new Set(crew.supervisor.map(({ pid }) => pid));
        for (const { pid, parent } of crew.supervisor) if (!own.has(parent)) process.kill(pid, 'SIGKILL');
        await pause(500);
        const second = launch(peer, site, first.stamps);
        if (peer.name === 'ostler') add(series, await adopted(second, crew.workers));
        else await pause(secondStartMs);
        const again = starts(second.stamps.read()) - before;
        add(results.of('recovery', measures.startedTwice, workers, peer.name), again);
        // Its holders never ceased to supervise: there is no time to measure.
        if (peer.name !== 'ostler' && again === 0) note(series, 'its supervise processes live on');
        else if (peer.name !== 'ostler' && again > 0) add(series, msBetween(second.startedNs, second.stamps.read().at(-1)?.ns ?? 0n));
        note(series, await isSupervised(second));
      });
      return true;
    } catch (error) {
      series.failed = messageOf(error);
      return false;
    }
  });
}

/** Until the agent says of every worker that it runs, with the pid it had before; ms from its exec. */
async function adopted(launched: Launched, pids: ReadonlyMap<number, number>): Promise<number> {
  const end = performance.now() + adoptMs;
  for (;;) {
    const now = await listed(launched.site);
    if (now !== null && [...pids].every(([index, pid]) => now.get(`w${index}`) === pid)) return msBetween(launched.startedNs, process.hrtime.bigint());
    if (performance.now() > end) throw new Error(`not all workers were adopted within ${adoptMs / 1000} s${said(launched.site)}`);
    await pause(5);
  }
}

/** Worker -> pid of those that run; `null` while the agent does not answer. */
async function listed(site: Site): Promise<ReadonlyMap<string, number | null> | null> {
  try {
    const { body } = await ask(socketOf(site), 'GET', '/v1/ps', undefined, 5000);
    const { workers: all } = JSON.parse(body) as { workers: readonly { name: string; state: string; native: { pid: number | null } | null }[] };
    return new Map(all.filter(({ state }) => ['running', 'healthy'].includes(state)).map(({ name, native }) => [name, native?.pid ?? null]));
  } catch {
    return null;
  }
}

/** Kills a worker to see whether somebody still cares. */
async function isSupervised(launched: Launched): Promise<string> {
  const pid = crewOf(launched).workers.get(workers - 1);
  if (pid === undefined) throw new Error('a worker was gone after the supervisor was started again');
  const killedNs = process.hrtime.bigint();
  process.kill(pid, 'SIGKILL');
  const next = await launched.stamps.until((all) => all.find(({ index, ns }) => index === workers - 1 && ns > killedNs) ?? null, secondStartMs);
  return next === null ? 'a worker killed then stays dead' : 'a worker killed then comes back';
}
