import type { PsDocument } from '@ostler/core';
import type { Client } from '../client/client.ts';
import type { Usage } from './rates.ts';
import { Rates } from './rates.ts';

export interface Shown {
  readonly document: PsDocument;
  readonly usage: ReadonlyMap<string, Usage>;
  /** Of the last event that was seen. */
  readonly cursor: string | null;
}

const beatMs = 1000;
const statsEachMs = 2000;
/** Events come in bursts: one look for all of a burst. */
const gatherMs = 50;

/**
 * The workers, looked at again after each event and each second, until `signal` is aborted. Throws when the agent goes away; a look at the
 * rates that fails is left out.
 */
export async function* watchWorkers(client: Client, signal: AbortSignal): AsyncGenerator<Shown> {
  const ending = new AbortController();
  const all = AbortSignal.any([signal, ending.signal]);
  const rates = new Rates();
  let usage: ReadonlyMap<string, Usage> = new Map();
  let statsAtMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | null = null;
  const bell = new Bell();
  const follower = listen(client, all, bell);
  try {
    while (!signal.aborted) {
      const nowMs = performance.now();
      if (looking === null && nowMs - statsAtMs >= statsEachMs) {
        statsAtMs = nowMs;
        looking = client
          .stats({ signal: all, deadlineMs: 10_000 })
          .then((stats) => {
            usage = rates.look(stats, performance.now());
          })
          .catch(() => {})
          .finally(() => {
            looking = null;
          });
      }
      const document = await client.ps({ signal: all });
      yield { document, usage, cursor: follower.cursor() };
      await bell.rung(beatMs, all);
      await bell.quiet(gatherMs, all);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    ending.abort();
    await follower.ended;
  }
}

/** The events only say when to look again; the looks themselves find out whether the agent is there. */
function listen(client: Client, signal: AbortSignal, bell: Bell): { readonly ended: Promise<void>; cursor(): string | null } {
  let cursor: string | null = null;
  const follow = async (): Promise<void> => {
    for await (const event of client.followEvents({}, signal)) {
      cursor = event.cursor;
      bell.ring();
    }
  };
  return { ended: follow().catch(() => bell.ring()), cursor: () => cursor };
}

class Bell {
  #isRung = false;
  #wake: (() => void) | null = null;

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  /** When it was rung, or after so long. */
  async rung(longestMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#isRung) await this.#pause(longestMs, signal, true);
  }

  async quiet(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#isRung) await this.#pause(ms, signal, false);
    this.#isRung = false;
  }

  #pause(ms: number, signal: AbortSignal, untilRung: boolean): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done);
      if (untilRung) this.#wake = done;
    });
  }
}
