import { Worker } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import type { MatchAnswer, MatchQuestion } from './match.ts';

/** A thread that nobody asks any more costs memory for nothing. */
const idleMs = 10_000;

interface Running {
  readonly thread: Worker;
  readonly isReady: Promise<unknown>;
}

/** A thread that looks for patterns, one after the other. A pattern that takes longer than its time is ended with the thread; the next finds a new one. */
export class MatchLane {
  readonly #limitMs: number;
  #running: Running | null = null;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #cancelIdle = (): void => {};
  #isClosed = false;

  /** `limitMs`: for one question. Not by the time of a test's clock: a thread computes in real time. */
  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** In the order of asking. `null` = it was begun, and not done within the limit, or when the signal came. Rejects when the signal comes before that. */
  async find(question: MatchQuestion, signal: AbortSignal): Promise<MatchAnswer | null> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    this.#waiting++;
    this.#cancelIdle();
    try {
      await orAbort(before, signal);
      return await this.#ask(question, signal);
    } finally {
      void before.then(resolve);
      this.#waiting--;
      if (this.#waiting === 0 && this.#running !== null) this.#cancelIdle = systemClock.after(idleMs, () => this.#end());
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#end();
  }

  #end(): void {
    this.#cancelIdle();
    void this.#running?.thread.terminate();
    this.#running = null;
  }

  async #ask(question: MatchQuestion, signal: AbortSignal): Promise<MatchAnswer | null> {
    if (this.#isClosed) throw new Error('the agent is ending');
    this.#running ??= startThread();
    const { thread, isReady } = this.#running;
    // Its start is not the pattern's fault. A thread that came to nothing is not used again.
    await orAbort(isReady, signal).catch((error: unknown) => {
      if (!signal.aborted) this.#end();
      throw error;
    });
    try {
      const answer = await answerOf(thread, question, this.#limitMs, signal);
      if (answer === null) this.#end();
      return answer;
    } catch (error) {
      this.#end();
      throw error;
    }
  }
}

async function orAbort(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function answerOf(thread: Worker, question: MatchQuestion, limitMs: number, signal: AbortSignal): Promise<MatchAnswer | null> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void): void => {
      cancel();
      signal.removeEventListener('abort', giveUp);
      thread.off('message', onMessage).off('error', onError).off('exit', onExit);
      then();
    };
    const onMessage = (answer: MatchAnswer): void => settle(() => resolve(answer));
    const onError = (error: Error): void => settle(() => reject(error));
    const onExit = (): void => settle(() => reject(new Error('the thread that looks for the pattern has ended')));
    // An agent that was held up hears the answer before it says that there is none.
    const giveUp = (): void => void systemClock.turn().then(() => settle(() => resolve(null)));
    const cancel = systemClock.after(limitMs, giveUp);
    signal.addEventListener('abort', giveUp, { once: true });
    thread.on('message', onMessage).on('error', onError).on('exit', onExit);
    thread.postMessage(question);
  });
}

function startThread(): Running {
  // The checkout runs .ts, a published package .js.
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const thread = new Worker(new URL(`./match-thread${extension}`, import.meta.url), {
    name: 'ostler-match',
    env: {},
    execArgv: [],
    resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 32 },
  });
  thread.unref();
  const isReady = new Promise((resolve, reject) => {
    // Its first message says that it has loaded.
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error('the thread that looks for the pattern has ended')));
  });
  // Nobody may be waiting when it fails.
  isReady.catch(() => {});
  thread.on('error', () => {});
  return { thread, isReady };
}
