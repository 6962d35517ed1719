import { setTimeout as pause } from 'node:timers/promises';
import type { AgentDocument, DownRequest, OutcomeDocument } from '@ostler/core';
import { connect } from '../client/client.ts';
import { deadlineOf, sayOutcome, usualWaitMs } from '../outcome.ts';
import { socketOf } from '../socket.ts';
import type { CommonOptions } from '../verb.ts';

interface DownOptions extends CommonOptions {
  readonly agent?: boolean | undefined;
  readonly waitMs?: number | undefined;
}

export async function run(options: DownOptions, _args: string[]): Promise<number> {
  const waitMs = options.waitMs ?? usualWaitMs;
  const body: DownRequest = { agent: options.agent === true, waitMs };
  const client = connect(socketOf(options));
  const pid = body.agent ? (await client.request<AgentDocument>('GET', '/v1/agent')).pid : null;
  const outcome = await client.request<OutcomeDocument>('POST', '/v1/down', body, { deadlineMs: deadlineOf(waitMs) });
  if (pid === null) return sayOutcome(outcome, options);
  const isGone = await goneWithin(pid, waitMs);
  return sayOutcome(
    isGone ? outcome : { ...outcome, outcome: 'not-finished', message: `the agent (pid ${pid}) has not ended yet; its workers run on` },
    options,
  );
}

/** Until its process has ended: only then are its socket and its data directory free. */
async function goneWithin(pid: number, ms: number): Promise<boolean> {
  for (const until = performance.now() + ms; performance.now() < until; await pause(10)) if (!isThere(pid)) return true;
  return !isThere(pid);
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's: it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
