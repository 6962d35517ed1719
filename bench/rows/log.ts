import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { type Bench, messageOf, rounds, whileUp } from '../bench.ts';
import { crewOf, type Launched } from '../launch.ts';
import { cpuMs } from '../measure/cpu.ts';
import { measures } from '../measures.ts';
import { add, note } from '../series.ts';
import { msBetween } from '../stamps.ts';

const budgetMs = 180_000;
const countMs = 300_000;

/** One worker prints as fast as it can: how fast that is, what is in the log afterwards, and what it costs. */
export async function log(bench: Bench): Promise<void> {
  const { lines } = bench.options;
  await rounds(bench.contenders('log'), bench.options.floods, budgetMs, async (peer, round) => {
    const { results } = bench;
    const rate = results.of('log', measures.logRate, 1, peer.name);
    if (peer.note !== undefined) note(rate, peer.note);
    bench.progress(`log: ${peer.name}, ${round + 1}`);
    try {
      const seen = await whileUp(bench, peer, 1, (launched) => flood(launched, lines), { lines });
      add(rate, seen.rate);
      add(results.of('log', measures.logLost, 1, peer.name), seen.lost);
      add(results.of('log', measures.logCpu, 1, peer.name), seen.cpuMs);
      note(rate, `${lines / 1e6} M lines`);
      return true;
    } catch (error) {
      rate.failed = messageOf(error);
      return false;
    }
  });
}

async function flood(launched: Launched, lines: number): Promise<{ rate: number; lost: number; cpuMs: number }> {
  const { peer, site, stamps } = launched;
  await pause(1500);
  const { supervisor, holders, workers } = crewOf(launched);
  const pid = workers.get(0);
  if (pid === undefined) throw new Error('its worker does not run');
  const watched = [...supervisor, ...holders];
  const before = cpuMs(watched);
  process.kill(pid, 'SIGUSR1');
  // No supervisor may take longer than 25 us a line.
  const deadlineMs = 20_000 + lines / 40;
  const ended = await stamps.until((all) => all.find(({ kind }) => kind === 'last line')?.ns ?? null, deadlineMs, { everyMs: 20 });
  const began = stamps.read().find(({ kind }) => kind === 'first line')?.ns;
  if (ended === null || began === undefined) throw new Error(`${lines} lines were not printed within ${Math.round(deadlineMs / 1000)} s`);
  await settled(launched);
  const used = cpuMs(watched) - before;
  const counted = AbortSignal.timeout(countMs);
  const tooLate = once(counted, 'abort').then(() => Promise.reject(new Error(`its log could not be counted within ${countMs / 1000} s`)));
  const kept = await Promise.race([peer.loggedLines?.(site) ?? Number.NaN, tooLate]);
  return { rate: lines / msBetween(began, ended) / 1000, lost: lines - kept, cpuMs: (used * 1e6) / lines };
}

/** Until nobody who holds the log has used CPU for half a second, or for a minute. */
async function settled(launched: Launched): Promise<void> {
  const { supervisor, holders } = crewOf(launched);
  const watched = [...supervisor, ...holders];
  let last = cpuMs(watched);
  for (let look = 0; look < 120; look++) {
    await pause(500);
    const now = cpuMs(watched);
    if (now - last < 15) return;
    last = now;
  }
}
