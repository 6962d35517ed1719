import type { Cancel } from '../base/clock.ts';

/** A number of places, given in the order in which they were asked for. */
export class Slots {
  readonly #waiting = new Set<() => void>();
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs `begin` as soon as there is a place, at once where there is one; who began must {@link release}. What comes back leaves the queue. */
  take(begin: () => void): Cancel {
    if (this.#free > 0) {
      this.#free--;
      begin();
      return () => {};
    }
    // A function of its own: the same one may wait twice.
    const turn = (): void => begin();
    this.#waiting.add(turn);
    return () => this.#waiting.delete(turn);
  }

  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
