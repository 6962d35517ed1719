/** Beyond this, the time in which the loop was not awake counts against nobody but the agent. */
const stallMs = 1000;
const beatMs = 250;

/**
 * Knows when the agent's own loop was kept from running: by busy code, a suspended host, a stopped process. What was measured across such a time
 * says nothing about a worker.
 */
export class LoopLag {
  readonly #timer: NodeJS.Timeout;
  readonly #onBeat: () => void;
  #lastBeatMs = performance.now();
  #lastBeatEpochMs = Date.now();
  #stalledUntilMs = Number.NEGATIVE_INFINITY;

  constructor(onBeat: () => void = () => {}) {
    this.#onBeat = onBeat;
    this.#timer = setInterval(() => this.#beat(), beatMs);
    this.#timer.unref();
  }

  /** True when nothing kept the loop from running since then (`performance.now()`, also `monotonicMs` of the system clock). */
  wasAwakeSince(monotonicMs: number): boolean {
    // A timer that was due in the stall may run before the beat does.
    if (this.#isLate()) this.#beat();
    return this.#stalledUntilMs < monotonicMs;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** The monotonic clock of Linux stands still while the host is suspended, the other does not. */
  #isLate(): boolean {
    const mostMs = beatMs + stallMs;
    return performance.now() - this.#lastBeatMs > mostMs || Date.now() - this.#lastBeatEpochMs > mostMs;
  }

  #beat(): void {
    if (this.#isLate()) this.#stalledUntilMs = performance.now();
    this.#lastBeatMs = performance.now();
    this.#lastBeatEpochMs = Date.now();
    this.#onBeat();
  }
}
