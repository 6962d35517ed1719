import { startCauses } from '../../src/supervise/cause.ts';
import type { Disk } from './disk.ts';

const byItself: ReadonlySet<string> = new Set([startCauses.exited, startCauses['start-failed'], startCauses.unhealthy]);
const mostInAMinute = 10;

/** When each worker was started because the last one had ended, since somebody had to do with it. */
export class Pace {
  readonly #starts = new Map<string, number[]>();
  #at = 0;

  tooMany({ journal }: Disk): string | null {
    for (; this.#at < journal.length; this.#at++) {
      const { type, worker, at, data } = journal[this.#at]!;
      if (worker === null) continue;
      // The host's clock is set now and then: a start before the last one begins a new count.
      const before = this.#starts.get(worker) ?? [];
      if (['worker.changed', 'worker.declared', 'worker.released'].includes(type)) this.#starts.delete(worker);
      if (type !== 'worker.starting') continue;
      const nowMs = Date.parse(at);
      if (!byItself.has((data as { cause: string }).cause) || nowMs < (before.at(-1) ?? 0)) this.#starts.delete(worker);
      else this.#starts.set(worker, [...before.filter((ms) => nowMs - ms < 60_000), nowMs]);
      if ((this.#starts.get(worker)?.length ?? 0) > mostInAMinute) return `${worker} was started ${mostInAMinute + 1} times within a minute`;
    }
    return null;
  }
}
