import type { Call } from '@ostler/sdk';

export interface Beat {
  /** How often it is asked. */
  readonly everyMs: number;
  /** Silence for so long is no work any more, as far as anybody can tell. */
  readonly longestMs: number;
}

const usual: Beat = { everyMs: 20_000, longestMs: 30 * 60_000 };

/**
 * Runs what may be silent for long though it goes on: a step of a build that compiles or fetches prints nothing meanwhile. While the engine answers `ask`, that is
 * progress; an engine that hangs gives none. `heard` is called by `run` whenever something came.
 */
export async function withHeartbeat<T>(
  ask: (signal: AbortSignal) => Promise<unknown>,
  call: Call,
  run: (heard: () => void) => Promise<T>,
  beat: Beat = usual,
): Promise<T> {
  let silentMs = 0;
  let isAsking = false;
  const timer = setInterval(() => {
    silentMs += beat.everyMs;
    if (isAsking || silentMs > beat.longestMs) return;
    isAsking = true;
    ask(call.signal)
      .then(() => call.progress(`nothing was printed for ${String(Math.round(silentMs / 1000))} s`))
      .catch(() => {})
      .finally(() => {
        isAsking = false;
      });
  }, beat.everyMs);
  try {
    return await run(() => {
      silentMs = 0;
    });
  } finally {
    clearInterval(timer);
  }
}
