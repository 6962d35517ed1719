import type { CoreClock } from '../base/clock.ts';

/**
 * How long ago something happened that bears the time of day, looked at again and again. That time may be set at any moment: a worker must not pass for
 * hung because it was, nor a hung one for alive. So it counts only for a stamp that is new, and only as far back as the look before.
 */
export class Age {
  readonly #clock: CoreClock;
  /** By `monotonicMs`: when the look before began. */
  #lookedMs: number;
  #stampMs: number | null = null;
  #happenedMs = 0;

  /** `sinceMs`: by `monotonicMs` of the clock; the first stamp is not taken for older. */
  constructor(clock: CoreClock, sinceMs: number) {
    this.#clock = clock;
    this.#lookedMs = sinceMs;
  }

  /** Milliseconds. `stampMs`: epoch, `NaN` = unreadable, `null` = there is none. `beganMs`: when this look began, by `monotonicMs`. */
  at(stampMs: number | null, beganMs: number): number | null {
    const nowMs = this.#clock.monotonicMs();
    if (stampMs !== null && !Object.is(stampMs, this.#stampMs)) {
      const agoMs = this.#clock.nowMs() - stampMs;
      this.#happenedMs = Math.min(nowMs, Math.max(this.#lookedMs, Number.isNaN(agoMs) ? nowMs : nowMs - agoMs));
    }
    this.#stampMs = stampMs;
    this.#lookedMs = beganMs;
    return stampMs === null ? null : nowMs - this.#happenedMs;
  }
}
