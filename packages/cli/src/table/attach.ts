import type { AgentDocument } from '@ostler/core';
import type { Client } from '../client/client.ts';
import { Failure } from '../failure.ts';

export interface AttachGiven {
  readonly signal: AbortSignal;
  /** A terminal gets the live table, anything else the log lines of all workers. */
  readonly isTty: boolean;
  readonly footer?: string | undefined;
}

/** Shows what the agent's workers do until `signal` is aborted or the agent goes away. */
export async function attach(client: Client, { signal, isTty, footer }: AttachGiven): Promise<void> {
  try {
    if (isTty) {
      const { liveTable } = await import('./live.ts');
      await liveTable(client, { signal, footer });
    } else {
      const { followAll } = await import('../logs/follow-all.ts');
      const { backgroundOutput } = await import('../logs/background-output.ts');
      const agent = await client.request<AgentDocument>('GET', '/v1/agent', undefined, { signal });
      // Of an agent of our own process nothing is missed; of one that was there before, what comes from now on.
      const since = agent.pid === process.pid ? agent.startedAt : new Date().toISOString();
      const style = { timestamps: false, json: false, isPrefixed: true };
      await Promise.race([followAll(client, { workers: null, since }, style, signal, backgroundOutput(1)), lateAfter(signal)]);
    }
  } catch (error) {
    // That the agent is gone is how attaching ends.
    if (!signal.aborted && !(error instanceof Failure && error.exitCode === 3)) throw error;
  }
}

/** What is still unwritten when attaching ends has this long: a reader that stands still holds nobody up. */
const lastWordsMs = 1000;

function lateAfter(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const begin = (): void => void setTimeout(resolve, lastWordsMs).unref();
    if (signal.aborted) begin();
    else signal.addEventListener('abort', begin, { once: true });
  });
}
