/** Hints that come at one moment may have a worker looked for as often. */
const mostLooks = 12;

/** How often an engine could not look for each worker at this one moment: that is tried again after a while, not at once. */
export class LookPace {
  #atMs = 0;
  readonly #times = new Map<string, number>();

  /** Counts one more; whether it may be. */
  isKept(worker: string, nowMs: number): boolean {
    if (this.#atMs !== nowMs) this.#times.clear();
    this.#atMs = nowMs;
    const times = (this.#times.get(worker) ?? 0) + 1;
    this.#times.set(worker, times);
    return times <= mostLooks;
  }
}
