import type { Clock } from '@ostler/sdk';

export interface FakeClock extends Clock {
  /** RFC 3339, of {@link Clock.nowMs}. */
  isoNow(): string;
  /** Runs once, `ms` from now; returns what cancels it. */
  after(ms: number, run: () => void): () => void;
  /** Resolves when what is under way without waiting for time has come to rest. */
  turn(): Promise<void>;
  /** Goes on by `ms`, timer by timer in order of their time; after each, all that waited for it runs. */
  advance(ms: number): Promise<void>;
  /** Lets what is due now run, without time going on. */
  settle(): Promise<void>;
  /** The host's clock is set: `nowMs` jumps, timers and `monotonicMs` do not. */
  jump(ms: number): void;
  /** Timers that wait, for a test that asks whether all is quiet. */
  readonly waiting: number;
}

/** Time stands still until the test moves it. Starts at 2030-01-01T00:00:00Z. */
export function fakeClock(startMs = Date.UTC(2030, 0, 1)): FakeClock {
  let monotonic = 0;
  let offset = startMs;
  let serial = 0;
  const timers = new Map<number, { readonly dueMs: number; run(): void }>();

  const after: FakeClock['after'] = (ms, run) => {
    serial += 1;
    const id = serial;
    timers.set(id, { dueMs: monotonic + Math.max(0, ms), run });
    return () => void timers.delete(id);
  };
  // several turns of the loop: a result passes through streams and promises of other packages before it arrives
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 6; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  const nextDue = (until: number): readonly [number, { readonly dueMs: number; run(): void }] | undefined => {
    const due = [...timers].filter(([, timer]) => timer.dueMs <= until);
    return due.sort(([a, one], [b, two]) => one.dueMs - two.dueMs || a - b)[0];
  };

  return {
    nowMs: () => offset + monotonic,
    monotonicMs: () => monotonic,
    isoNow: () => new Date(offset + monotonic).toISOString(),
    after,
    turn: () => new Promise((resolve) => setImmediate(resolve)),
    settle,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) return reject(signal.reason as Error);
        const stop = (): void => {
          cancel();
          reject(signal?.reason as Error);
        };
        const cancel = after(ms, () => {
          signal?.removeEventListener('abort', stop);
          resolve();
        });
        signal?.addEventListener('abort', stop, { once: true });
      }),
    advance: async (ms) => {
      const until = monotonic + ms;
      await settle();
      for (let next = nextDue(until); next !== undefined; next = nextDue(until)) {
        const [id, timer] = next;
        timers.delete(id);
        monotonic = Math.max(monotonic, timer.dueMs);
        timer.run();
        await settle();
      }
      monotonic = until;
      await settle();
    },
    jump: (ms) => {
      offset += ms;
    },
    get waiting() {
      return timers.size;
    },
  };
}
