import type { Finding, Port } from '@ostler/sdk';
import { connect } from '../client/client.ts';
import type { Core } from './options.ts';

interface Wanted {
  readonly worker: string;
  readonly ports: readonly Port[];
}

/** Ports that somebody else listens on. Beside an agent that runs nothing is said: it may be the worker itself. */
export async function portFindings(
  core: Core,
  socket: string,
  wanted: readonly Wanted[],
): Promise<readonly { readonly worker: string; readonly finding: Finding }[]> {
  const isAgentThere = await connect(socket)
    .request('GET', '/v1/agent', undefined, { deadlineMs: 2000 })
    .then(
      () => true,
      () => false,
    );
  if (isAgentThere) return [];
  const found = await Promise.all(wanted.map(async ({ worker, ports }) => ({ worker, troubles: await core.portTroubles(ports, new Set()) })));
  return found.flatMap(({ worker, troubles }) => troubles.map((text) => ({ worker, finding: { level: 'refused', field: 'ports', text } as const })));
}
