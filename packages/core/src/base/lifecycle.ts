import type { CoreClock } from './clock.ts';

/** How long one step of a shutdown may take unless it says otherwise. */
export const stopStepMs = 5000;

/** A timer takes no more (2^31 - 1). */
const longestMs = 2 ** 30;

interface Step {
  readonly name: string;
  readonly ms: number;
  stop(): unknown;
}

/**
 * What must be undone, last in first out. Each step has a name and a deadline; one that throws or never returns does not keep the others from
 * running.
 */
export class Lifecycle {
  readonly #clock: CoreClock;
  readonly #steps: Step[] = [];
  readonly #awake: NodeJS.Timeout | null;
  #stopping: Promise<void> | null = null;

  /**
   * `isProcess`: it is the process's own and keeps it until the last step is undone. Much of what is waited for keeps no process alive, and one that
   * has nothing else to wait for ends without a word.
   */
  constructor(clock: CoreClock, { isProcess = false } = {}) {
    this.#clock = clock;
    this.#awake = isProcess ? setInterval(() => {}, longestMs) : null;
  }

  /** Registers how to undo what was just done. After {@link stop} began it throws: nobody would run it. */
  push(name: string, stop: () => unknown, ms: number = stopStepMs): void {
    if (this.#stopping) throw new Error(`${name} came up while everything was being stopped`);
    this.#steps.push({ name, ms, stop });
  }

  /** Runs all steps once; a second call waits for the first. Rejects at the end with an AggregateError of what failed, each error naming its step. */
  stop(): Promise<void> {
    this.#stopping ??= this.#unwind();
    return this.#stopping;
  }

  async #unwind(): Promise<void> {
    const errors: Error[] = [];
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await within(this.#clock, step.ms, step.stop);
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        errors.push(new Error(`${step.name}: ${why}`, { cause }));
      }
    }
    if (this.#awake !== null) clearInterval(this.#awake);
    if (errors.length > 0) throw new AggregateError(errors, errors.map((error) => error.message).join('; '));
  }
}

/** Settles as `run` does, or rejects after `ms`. What `run` does later is dropped, its rejection too. */
export async function within<T>(clock: CoreClock, ms: number, run: () => T | Promise<T>): Promise<T> {
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => reject(new Error(`not done within ${ms} ms`)));
  });
  try {
    return await Promise.race([Promise.resolve().then(run), late]);
  } finally {
    cancel();
  }
}
