import type { OutcomeDocument } from '@ostler/core';
import { connect, workerPath } from './client/client.ts';
import { deadlineOf, sayOutcome, together, usualWaitMs } from './outcome.ts';
import { socketOf } from './socket.ts';
import type { CommonOptions } from './verb.ts';

export interface HandOptions extends CommonOptions {
  readonly waitMs?: number | undefined;
}

/** Starts, stops or restarts workers at one time; the agent keeps the order that they need. */
export async function byHand(what: 'start' | 'stop' | 'restart', options: HandOptions, workers: readonly string[]): Promise<number> {
  const client = connect(socketOf(options));
  const waitMs = options.waitMs ?? usualWaitMs;
  const asked = [...new Set(workers)].map((worker) =>
    client.request<OutcomeDocument>('POST', workerPath(worker, what), { waitMs }, { deadlineMs: deadlineOf(waitMs) }),
  );
  // All have an answer before the first refusal is said: nothing goes on unseen.
  const answers = await Promise.allSettled(asked);
  const done = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  const refused = answers.find((answer) => answer.status === 'rejected');
  if (refused !== undefined) {
    if (done.length > 0 && !options.json) sayOutcome(together(done), options);
    throw refused.reason;
  }
  return sayOutcome(together(done), options);
}
