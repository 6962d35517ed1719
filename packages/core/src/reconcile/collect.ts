import type { Artifact } from '@ostler/sdk';
import { callWithDeadline } from '../base/call.ts';
import type { Crew, RuntimeAccess, Supervisor } from '../supervise/index.ts';

/** Some time after the agent came up: what it found is running by then, and what an upgrade of it changed was looked at. */
const firstMs = 600_000;
const everyMs = 3_600_000;
const collectMs = 60_000;
/** Of each worker: what it is and what it was before, to go back to. */
const keptGenerations = 2;

/** What must stay of the artifacts of a runtime: those of the last generations of each worker that is there, and of what runs. */
export function keptArtifacts(workers: readonly Pick<Supervisor, 'generations' | 'life'>[], runtime: string): readonly Artifact[] {
  return workers.flatMap(({ generations, life }) => {
    const latest = [...generations].sort((a, b) => b.counter - a.counter).slice(0, keptGenerations);
    const running = generations.filter(({ counter }) => counter === life.instanceGeneration || counter === life.generation);
    return [...new Set([...latest, ...running])].filter((one) => one.runtime === runtime).map(({ artifact }) => artifact);
  });
}

/** Asks each runtime that is up to take away what it made and no generation needs. What cannot be done now is done the next time. */
export async function collectUnused(crew: Crew, runtimes: Iterable<RuntimeAccess>, signal: AbortSignal): Promise<void> {
  const { clock, stuck, inPlugin, log } = crew.services;
  for (const { name, plugin, driver, isUp } of runtimes) {
    if (driver.collect === undefined || !isUp()) continue;
    const keep = keptArtifacts(crew.all(), name);
    try {
      const limits = { name: `collection of what is unused on ${name}`, plugin, ms: collectMs, clock, stuck, isMutating: true, signal };
      const { freedBytes } = await callWithDeadline(limits, (call) => inPlugin(plugin, async () => (await driver.collect?.(keep, call)) ?? { freedBytes: 0 }));
      if (freedBytes > 0) log.info({ runtime: name, freedBytes }, 'what no generation uses any more was taken away');
    } catch (error) {
      log.debug({ runtime: name, error: String(error) }, 'what is unused was not taken away this time');
    }
  }
}

/** Does so now and then. Returns what ends it. */
export function keepCollected(crew: Crew, runtimes: () => Iterable<RuntimeAccess>): () => void {
  const { clock } = crew.services;
  const ended = new AbortController();
  const collect = async (): Promise<void> => {
    await collectUnused(crew, runtimes(), ended.signal);
    if (!ended.signal.aborted) cancel = clock.after(everyMs, () => void collect());
  };
  let cancel = clock.after(firstMs, () => void collect());
  return () => {
    ended.abort();
    cancel();
  };
}
