import type { CoreClock } from '../base/clock.ts';

/** How long streams together keep the event loop before all else that waits for it has its turn. One record of a log may take half of that. */
const shareMs = 1;

/**
 * What the streams of an agent share: a write that the kernel takes at once, and a log that is read at once, never leave the loop by themselves, so
 * that some readers of a worker that prints without end would keep supervision and every other answer waiting.
 */
export class LoopShare {
  readonly #clock: CoreClock;
  /** In the order in which they came. */
  readonly #waiting: (() => void)[] = [];
  /** When the first one had the loop in this turn. */
  #beganMs: number | null = null;

  constructor(clock: CoreClock) {
    this.#clock = clock;
  }

  /** Asked before each record: resolves at once while there is time left, else when it is this one's turn. */
  async next(): Promise<void> {
    const nowMs = performance.now();
    if (this.#beganMs === null) this.#begin(nowMs);
    else if (this.#waiting.length > 0 || nowMs - this.#beganMs > shareMs) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #begin(nowMs: number): void {
    this.#beganMs = nowMs;
    void this.#clock.turn().then(() => {
      this.#beganMs = null;
      const first = this.#waiting.shift();
      if (first === undefined) return;
      this.#begin(performance.now());
      first();
    });
  }
}
