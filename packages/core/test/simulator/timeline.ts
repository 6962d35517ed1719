import type { CoreClock } from '../../src/base/clock.ts';

/** Whose timers go when it dies. */
export interface Owner {
  isDead: boolean;
}

interface Timer {
  readonly owner: Owner;
  readonly dueMs: number;
  readonly serial: number;
  readonly run: () => void;
}

const startMs = Date.UTC(2030, 0, 1);

/** The one time of a schedule: it goes on only when a timer is chosen to run. */
export class Timeline {
  nowMs = 0;
  /** What the host's clock was set by. */
  #offsetMs = 0;
  /** How often that was. */
  jumps = 0;
  #serial = 0;
  #iso = { ms: Number.NaN, text: '' };
  readonly #timers = new Set<Timer>();
  readonly #turns: { readonly owner: Owner; readonly resolve: () => void }[] = [];

  after(owner: Owner, ms: number, run: () => void): () => void {
    const timer: Timer = { owner, dueMs: this.nowMs + Math.max(0, ms), serial: this.#serial++, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** The host's clock is set; timers and the monotonic clock do not jump. */
  jump(ms: number): void {
    this.#offsetMs += ms;
    this.jumps += 1;
  }

  /** The host sleeps: when it wakes, all that was due meanwhile is due at once. */
  suspend(ms: number): void {
    this.nowMs += ms;
  }

  epochMs(): number {
    return startMs + this.#offsetMs + this.nowMs;
  }

  /** Asked for again and again in one moment. */
  #isoNow(): string {
    const ms = this.epochMs();
    if (ms !== this.#iso.ms) this.#iso = { ms, text: new Date(ms).toISOString() };
    return this.#iso.text;
  }

  clock(owner: Owner): CoreClock {
    const after: CoreClock['after'] = (ms, run) => this.after(owner, ms, run);
    return {
      nowMs: () => this.epochMs(),
      monotonicMs: () => this.nowMs,
      isoNow: () => this.#isoNow(),
      after,
      turn: () => new Promise((resolve) => this.#turns.push({ owner, resolve })),
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted) {
            reject(signal.reason);
            return;
          }
          const stop = (): void => {
            cancel();
            reject(signal?.reason);
          };
          const cancel = after(ms, () => {
            signal?.removeEventListener('abort', stop);
            resolve();
          });
          signal?.addEventListener('abort', stop, { once: true });
        }),
    };
  }

  hasTurns(): boolean {
    return this.#turns.length > 0;
  }

  /** The next turn of the loop: all that waited for it. */
  turn(): void {
    for (const { owner, resolve } of this.#turns.splice(0)) if (!owner.isDead) resolve();
  }

  /** Time goes on to the next timer, which runs; not beyond `untilMs`. `false`: there was none. */
  advance(untilMs = Number.POSITIVE_INFINITY): boolean {
    let next: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.owner.isDead) this.#timers.delete(timer);
      else if (next === null || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.serial < next.serial)) next = timer;
    }
    if (next === null || next.dueMs > untilMs) return false;
    this.#timers.delete(next);
    this.nowMs = Math.max(this.nowMs, next.dueMs);
    next.run();
    return true;
  }
}
