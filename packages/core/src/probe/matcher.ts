import { Worker } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import type { MatchAnswer, MatchQuestion } from './match.ts';

/** How long one piece of a log may take. Not the time of a test's clock: a thread computes in real time. */
const limitMs = 1000;
/** A thread that nobody asks any more costs memory for nothing. */
const idleMs = 10_000;

interface Running {
  readonly thread: Worker;
  readonly isReady: Promise<unknown>;
}

/**
 * Looks for patterns in a thread of its own. JavaScript's expressions can take for ever, and there is no telling from a pattern: who takes longer than
 * a second for one piece of a log is ended with the thread, and the next question finds a new one.
 */
export class Matcher {
  #running: Running | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #cancelIdle = (): void => {};
  #isClosed = false;

  /** One after the other, in the order of asking. `null` = the pattern took too long. */
  find(question: MatchQuestion, signal: AbortSignal): Promise<MatchAnswer | null> {
    this.#waiting++;
    this.#cancelIdle();
    const answer = this.#last.then(() => {
      signal.throwIfAborted();
      return this.#ask(question);
    });
    this.#last = answer.then(
      () => this.#rest(),
      () => this.#rest(),
    );
    return answer;
  }

  close(): void {
    this.#isClosed = true;
    this.#end();
  }

  #rest(): void {
    this.#waiting--;
    if (this.#waiting === 0 && this.#running !== null) this.#cancelIdle = systemClock.after(idleMs, () => this.#end());
  }

  #end(): void {
    this.#cancelIdle();
    void this.#running?.thread.terminate();
    this.#running = null;
  }

  async #ask(question: MatchQuestion): Promise<MatchAnswer | null> {
    if (this.#isClosed) throw new Error('the agent is ending');
    this.#running ??= startThread();
    const running = this.#running;
    try {
      // Its start is not the pattern's fault.
      await running.isReady;
      const answer = await answerOf(running.thread, question);
      if (answer === null) this.#end();
      return answer;
    } catch (error) {
      this.#end();
      throw error;
    }
  }
}

function answerOf(thread: Worker, question: MatchQuestion): Promise<MatchAnswer | null> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void): void => {
      cancel();
      thread.off('message', onMessage).off('error', onError).off('exit', onExit);
      then();
    };
    const onMessage = (answer: MatchAnswer): void => settle(() => resolve(answer));
    const onError = (error: Error): void => settle(() => reject(error));
    const onExit = (): void => settle(() => reject(new Error('the thread that looks for the pattern has ended')));
    // An agent that was held up hears the answer before it says that there is none.
    const cancel = systemClock.after(limitMs, () => void systemClock.turn().then(() => settle(() => resolve(null))));
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
    thread.once('online', resolve);
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error('the thread that looks for the pattern has ended')));
  });
  // Nobody may be waiting when it fails.
  isReady.catch(() => {});
  thread.on('error', () => {});
  return { thread, isReady };
}
