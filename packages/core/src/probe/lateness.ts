/** How long the agent was held up, as timers show that come late because of it: the first of them is the latest. */
export class Lateness {
  #atMs = Number.NEGATIVE_INFINITY;
  #longestMs = 0;

  /** `lateMs`: of one timer. What comes back is that of the one that is the latest of all that were held up with it. */
  of(nowMs: number, lateMs: number): number {
    if (nowMs - this.#atMs > this.#longestMs) {
      this.#atMs = nowMs;
      this.#longestMs = 0;
    }
    this.#longestMs = Math.max(this.#longestMs, lateMs);
    return this.#longestMs;
  }
}
