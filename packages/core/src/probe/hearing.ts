import type { Call, Notified } from '@ostler/sdk';
import type { CoreClock } from '../base/clock.ts';
import { Age } from './age.ts';

/** Asks the runtime what the instance that is probed said of itself; `null` = nobody listens for it. */
export type AskNotified = (call: Call) => Promise<Notified | null>;

/** What an instance said of itself, and how long ago. `null` = it has not said that. */
export interface Heard {
  readonly said: Notified;
  readonly readyAgoMs: number | null;
  readonly aliveAgoMs: number | null;
}

/** Hears one instance for as long as it is watched. */
export class Hearing {
  readonly #ask: AskNotified;
  readonly #clock: CoreClock;
  readonly #ready: Age;
  readonly #alive: Age;

  constructor(ask: AskNotified, clock: CoreClock, startedAtMs: number) {
    this.#ask = ask;
    this.#clock = clock;
    this.#ready = new Age(clock, startedAtMs);
    this.#alive = new Age(clock, startedAtMs);
  }

  /** `null` = nobody listens for it. */
  async ask(call: Call): Promise<Heard | null> {
    const beganMs = this.#clock.monotonicMs();
    const said = await this.#ask(call);
    if (said === null) return null;
    const agoMs = (age: Age, at: string | null): number | null => age.at(at === null ? null : Date.parse(at), beganMs);
    return { said, readyAgoMs: agoMs(this.#ready, said.readyAt), aliveAgoMs: agoMs(this.#alive, said.aliveAt) };
  }
}
