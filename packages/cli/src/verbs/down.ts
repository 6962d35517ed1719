import type { DownRequest, OutcomeDocument } from '@ostler/core';
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
  return sayOutcome(await client.request<OutcomeDocument>('POST', '/v1/down', body, { deadlineMs: deadlineOf(waitMs) }), options);
}
