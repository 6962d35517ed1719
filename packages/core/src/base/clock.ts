import type { Clock } from '@ostler/sdk';

/** Ends what was scheduled; harmless when it has run, or twice. */
export type Cancel = () => void;

/** Time as core uses it: the SDK's clock and timers that can be cancelled, so that a test can stand in for all of it. */
export interface CoreClock extends Clock {
  /** Runs once after `ms`. Does not keep the process alive: the agent's socket does. */
  after(ms: number, run: () => void): Cancel;
  /** RFC 3339 in UTC with milliseconds. */
  isoNow(): string;
  /** Resolves in the next turn of the event loop, when what this one set off has come to rest; the same for all that ask in this one. */
  turn(): Promise<void>;
}

/** Node turns a longer timeout into 1 ms (`TimeoutOverflowWarning`), so longer ones are walked in steps. */
const longestTimerMs = 2 ** 31 - 1;

function after(ms: number, run: () => void): Cancel {
  const dueMs = performance.now() + ms;
  let timer: NodeJS.Timeout;
  const arm = (leftMs: number): void => {
    timer = setTimeout(
      () => {
        const stillMs = dueMs - performance.now();
        // A timer may fire up to 1 ms early; only a walked step has more to go.
        if (stillMs > 1) arm(stillMs);
        else run();
      },
      Math.min(Math.max(leftMs, 0), longestTimerMs),
    );
    timer.unref();
  };
  arm(ms);
  return () => clearTimeout(timer);
}

let nextTurn: Promise<void> | null = null;

function turn(): Promise<void> {
  nextTurn ??= new Promise((resolve) => {
    setImmediate(() => {
      nextTurn = null;
      resolve();
    });
  });
  return nextTurn;
}

/** The host's own clock. */
export const systemClock: CoreClock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  isoNow: () => new Date().toISOString(),
  after,
  turn,
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        cancel();
        reject(signal?.reason);
      };
      const cancel = after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};
