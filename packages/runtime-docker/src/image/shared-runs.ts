import type { Call } from '@ostler/sdk';
import { abortFailure } from '../errors.ts';

interface SharedRun<T> {
  readonly done: Promise<T>;
  readonly callers: Set<Call>;
  readonly cancel: AbortController;
}

/** Work that several wait for: it is done once, all of them hear of it, and it is given up when the last of them has gone. */
export class SharedRuns<T = void> {
  readonly #runs = new Map<string, SharedRun<T>>();

  /** `what` completes "the attempt to …". */
  async once(key: string, what: string, call: Call, begin: (shared: Call) => Promise<T>): Promise<T> {
    const run = this.#runs.get(key) ?? this.#begin(key, begin);
    run.callers.add(call);
    const gone = Promise.withResolvers<never>();
    const onAbort = (): void => {
      run.callers.delete(call);
      if (run.callers.size === 0) {
        // Whoever comes now begins anew, and does not join what is being given up.
        if (this.#runs.get(key) === run) this.#runs.delete(key);
        run.cancel.abort();
      }
      gone.reject(abortFailure({ what, isMutating: false }, true));
    };
    if (call.signal.aborted) onAbort();
    else call.signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([run.done, gone.promise]);
    } finally {
      run.callers.delete(call);
      call.signal.removeEventListener('abort', onAbort);
    }
  }

  #begin(key: string, begin: (shared: Call) => Promise<T>): SharedRun<T> {
    const callers = new Set<Call>();
    const cancel = new AbortController();
    const shared: Call = {
      signal: cancel.signal,
      deadlineMs: Number.MAX_SAFE_INTEGER,
      progress: (note, fraction) => {
        for (const one of callers) one.progress(note, fraction);
      },
      output: (bytes) => {
        for (const one of callers) one.output(bytes);
      },
    };
    const done = begin(shared).finally(() => {
      if (this.#runs.get(key) === run) this.#runs.delete(key);
    });
    // Told to each caller; with none left it is nobody's.
    done.catch(() => {});
    const run = { done, callers, cancel };
    this.#runs.set(key, run);
    return run;
  }
}
