import { type Call, failureData, isRuntimeFailure, type RuntimeFailure, type RuntimeFailureCode, runtimeFailure } from '@ostler/sdk';
import type { CoreClock } from './clock.ts';
import { OutputTail } from './output-tail.ts';
import type { StuckCalls } from './stuck-calls.ts';

/** What a call has left after its signal fired. */
export const afterAbortMs = 2000;

export interface CallLimits {
  /** What is being done and to whom, as `why` shows it: `start of web on native`. */
  readonly name: string;
  /** Id of the plugin that is called. */
  readonly plugin?: string | undefined;
  /** Total time; `null` = none, then `idleMs` is what ends it. */
  readonly ms: number | null;
  /** Time without `progress()` or `output()`. */
  readonly idleMs?: number | undefined;
  readonly clock: CoreClock;
  /** A mutating call that is lost may have happened all the same. */
  readonly isMutating: boolean;
  readonly stuck: StuckCalls;
  /** The caller's own wish to end it: same way out, with the code `aborted`. */
  readonly signal?: AbortSignal | undefined;
  onProgress?(note: string, fraction: number | null): void;
  /** Where the end of what it prints is kept; an own one when absent. */
  readonly tail?: OutputTail | undefined;
}

/**
 * Runs `run` with a {@link Call} of its own. At the deadline the call's signal fires; 2 s later at most this rejects with a RuntimeFailure:
 * `timeout` (or `aborted`), outcome `unknown` for a mutating call, `no` for a read. A call that goes on after that is listed in `stuck` until it
 * settles. What `run` throws before its signal fires is passed on as it is; a result that comes within the 2 s counts.
 */
export async function callWithDeadline<T>(limits: CallLimits, run: (call: Call) => Promise<T>): Promise<T> {
  const { clock, idleMs } = limits;
  const controller = new AbortController();
  const tail = limits.tail ?? new OutputTail();
  const totalEndMs = limits.ms === null ? Number.POSITIVE_INFINITY : clock.monotonicMs() + limits.ms;
  let idleEndMs = idleMs === undefined ? Number.POSITIVE_INFINITY : clock.monotonicMs() + idleMs;
  let ended: { readonly code: RuntimeFailureCode; readonly why: string } | null = null;
  let hasSettled = false;
  let cancelTimer = (): void => {};
  let giveUp: (error: Error) => void = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = reject;
  });

  let hasBegun = false;
  const failure = (cause?: unknown): Error & RuntimeFailure => {
    const { code, why } = ended ?? { code: 'internal', why: 'failed' };
    const told = [cause instanceof Error ? cause.message : cause === undefined ? '' : String(cause), tail.text()].filter((text) => text !== '');
    const mayHaveActed = limits.isMutating && hasBegun;
    return runtimeFailure({
      code,
      outcome: mayHaveActed ? 'unknown' : 'no',
      retryable: true,
      message: `${limits.name} ${why}${mayHaveActed ? '; it may have been done all the same' : ''}`,
      ...(told.length > 0 ? { cause: told.join('\n') } : {}),
    });
  };
  const end = (code: RuntimeFailureCode, why: string): void => {
    if (ended || hasSettled) return;
    ended = { code, why };
    cancelTimer();
    cancelTimer = clock.after(afterAbortMs, () => {
      limits.stuck.add({ name: limits.name, plugin: limits.plugin ?? null, since: clock.isoNow() }, running);
      giveUp(failure());
    });
    controller.abort(failure());
  };
  const watchDeadline = (): void => {
    if (ended) return;
    cancelTimer();
    const endMs = Math.min(totalEndMs, idleEndMs);
    if (endMs === Number.POSITIVE_INFINITY) return;
    cancelTimer = clock.after(endMs - clock.monotonicMs(), () => {
      const nowMs = clock.monotonicMs();
      if (nowMs >= totalEndMs - 1) end('timeout', `was not done within ${limits.ms} ms`);
      else if (nowMs >= idleEndMs - 1) end('timeout', `showed no progress for ${idleMs} ms`);
      else watchDeadline();
    });
  };
  // The timer is left as it is: when it fires it sees the later end and waits for that.
  const isAlive = (): void => {
    if (idleMs !== undefined) idleEndMs = clock.monotonicMs() + idleMs;
  };
  const call: Call = {
    signal: controller.signal,
    get deadlineMs() {
      return Math.round(clock.nowMs() + Math.min(totalEndMs, idleEndMs) - clock.monotonicMs());
    },
    progress: (note, fraction) => {
      isAlive();
      limits.onProgress?.(note, fraction ?? null);
    },
    output: (bytes) => {
      isAlive();
      tail.push(bytes);
    },
  };

  const onAbort = (): void => end('aborted', 'was given up');
  const running = Promise.resolve().then(() => {
    if (controller.signal.aborted) throw controller.signal.reason;
    hasBegun = true;
    return run(call);
  });
  watchDeadline();
  if (limits.signal?.aborted) onAbort();
  else limits.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([running, givenUp]);
  } catch (error) {
    // Thrown after the signal: why it ended is ours to say, what became of it the driver's if it says so.
    if (ended === null || error === controller.signal.reason) throw error;
    if (isRuntimeFailure(error) && error.code !== 'aborted') throw error;
    const ours = failure(error);
    throw isRuntimeFailure(error) ? runtimeFailure({ ...failureData(ours), outcome: error.outcome }) : ours;
  } finally {
    hasSettled = true;
    cancelTimer();
    limits.signal?.removeEventListener('abort', onAbort);
  }
}
