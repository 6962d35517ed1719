import { startCauses } from '../../src/supervise/cause.ts';
import type { View } from './invariants.ts';

const byItself: ReadonlySet<string> = new Set([startCauses.exited, startCauses['start-failed'], startCauses.unhealthy]);
const mostInAMinute = 10;
/** What it is started for from then on is something else. Of what has failed for good, or is done: its next run is due, or was asked for. */
const anew: ReadonlySet<string> = new Set(['worker.changed', 'worker.declared', 'worker.released', 'worker.failed', 'worker.done']);

/** When each worker was started because the last one had ended, since somebody had to do with it. */
export class Pace {
  readonly #starts = new Map<string, number[]>();
  #at = 0;

  tooMany({ disk: { journal }, agent }: View): string | null {
    for (; this.#at < journal.length; this.#at++) {
      const { type, worker, at, data } = journal[this.#at]!;
      if (worker === null) continue;
      // The host's clock is set now and then: a start before the last one begins a new count.
      const before = this.#starts.get(worker) ?? [];
      if (anew.has(type)) this.#starts.delete(worker);
      if (type !== 'worker.starting') continue;
      const nowMs = Date.parse(at);
      if (!byItself.has((data as { cause: string }).cause) || nowMs < (before.at(-1) ?? 0)) this.#starts.delete(worker);
      else this.#starts.set(worker, [...before.filter((ms) => nowMs - ms < 60_000), nowMs]);
      const starts = this.#starts.get(worker)?.length ?? 0;
      const resetAfterMs = agent?.crew.get(worker)?.normal()?.rules.restart.resetAfterMs ?? null;
      // Its failures are forgotten as often as it has asked for.
      const most = mostInAMinute + (resetAfterMs === null ? 0 : Math.ceil(60_000 / resetAfterMs) * 2);
      if (starts > most) return `${worker} was started ${starts} times within a minute`;
    }
    return null;
  }
}
