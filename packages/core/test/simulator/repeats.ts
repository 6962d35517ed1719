import type { Request } from './requests.ts';

/** Hints that come at one moment may have a worker looked for as often. */
const most = 12;

/** How often a call of each worker failed at this one moment: that is tried again after a while, not at once without end. */
export class Repeats {
  #atMs = 0;
  readonly #times = new Map<string, number>();

  /** Counts one more; whether it may be. `applies`: how often the host file was applied, each of which asks what it comes to. */
  isKept({ method, worker }: Request, nowMs: number, applies: number): boolean {
    if (this.#atMs !== nowMs) this.#times.clear();
    this.#atMs = nowMs;
    const key = `${method} ${worker}`;
    const times = (this.#times.get(key) ?? 0) + 1;
    this.#times.set(key, times);
    return times <= most + (method === 'resolve' ? applies : 0);
  }
}
