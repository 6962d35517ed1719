import { setTimeout as pause } from 'node:timers/promises';

/**
 * Asks again and again until the answer is neither `undefined` nor `false`, and returns it. Fails after `deadlineMs` with `what`, and with the
 * error of the last try, if it threw.
 */
export async function waitFor<X>(what: string, ask: () => Promise<X | undefined | false> | X | undefined | false, deadlineMs = 20_000): Promise<X> {
  const until = performance.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > until) throw new Error(`waited ${String(deadlineMs)} ms for: ${what}`, { cause: last });
    await pause(15);
  }
}

/** The promise's own result, or a failure that names `what` once `ms` are over. The promise goes on by itself. */
export async function within<X>(what: string, ms: number, promise: Promise<X>): Promise<X> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${String(ms)} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
