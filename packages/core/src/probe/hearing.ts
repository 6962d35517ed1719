import type { Call, Notified } from '@ostler/sdk';
import type { CoreClock } from '../base/clock.ts';

/** Asks the runtime what the instance that is probed said of itself; `null` = nobody listens for it. */
export type AskNotified = (call: Call) => Promise<Notified | null>;

/** What an instance said of itself, and how long ago. `null` = it has not said that. */
export interface Heard {
  readonly said: Notified;
  readonly readyAgoMs: number | null;
  readonly aliveAgoMs: number | null;
}

/**
 * Hears one instance for as long as it is watched. What it said carries the time of day, which may be set at any moment: a worker must not pass for
 * hung because it was, nor a hung one for alive. So the time of day counts only for a stamp that is new, and only as far back as the question before.
 */
export class Hearing {
  readonly #ask: AskNotified;
  readonly #clock: CoreClock;
  /** By `monotonicMs`: when it was asked last, at first when it was started. */
  #askedMs: number;
  #ready: Stamp | null = null;
  #alive: Stamp | null = null;

  constructor(ask: AskNotified, clock: CoreClock, startedAtMs: number) {
    this.#ask = ask;
    this.#clock = clock;
    this.#askedMs = startedAtMs;
  }

  /** `null` = nobody listens for it. */
  async ask(call: Call): Promise<Heard | null> {
    const beganMs = this.#clock.monotonicMs();
    const said = await this.#ask(call);
    if (said === null) return null;
    this.#ready = this.#stamp(said.readyAt, this.#ready);
    this.#alive = this.#stamp(said.aliveAt, this.#alive);
    this.#askedMs = beganMs;
    return { said, readyAgoMs: this.#ago(this.#ready), aliveAgoMs: this.#ago(this.#alive) };
  }

  #stamp(at: string | null, known: Stamp | null): Stamp | null {
    if (at === null || at === known?.at) return at === null ? null : known;
    const nowMs = this.#clock.monotonicMs();
    const agoMs = this.#clock.nowMs() - Date.parse(at);
    return { at, saidMs: Math.min(nowMs, Math.max(this.#askedMs, Number.isNaN(agoMs) ? nowMs : nowMs - agoMs)) };
  }

  #ago(stamp: Stamp | null): number | null {
    return stamp === null ? null : this.#clock.monotonicMs() - stamp.saidMs;
  }
}

interface Stamp {
  readonly at: string;
  /** By `monotonicMs`. */
  readonly saidMs: number;
}
