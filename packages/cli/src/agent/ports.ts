import { createServer } from 'node:net';
import type { Finding, Port } from '@ostler/sdk';
import { connect } from '../client/client.ts';

interface Wanted {
  readonly worker: string;
  readonly ports: readonly Port[];
}

/** Ports that somebody else listens on. Beside an agent that runs nothing is said: it may be the worker itself. */
export async function portFindings(socket: string, wanted: readonly Wanted[]): Promise<readonly { readonly worker: string; readonly finding: Finding }[]> {
  const isAgentThere = await connect(socket)
    .request('GET', '/v1/agent', undefined, { deadlineMs: 2000 })
    .then(
      () => true,
      () => false,
    );
  if (isAgentThere) return [];
  const asked = wanted.flatMap(({ worker, ports }) =>
    ports.flatMap((port) => (port.publish !== null && port.protocol === 'tcp' ? [{ worker, ...port.publish }] : [])),
  );
  const found = await Promise.all(asked.map(async ({ worker, address, port }) => ({ worker, address, port, why: await whyNot(address, port) })));
  return found.flatMap(({ worker, address, port, why }) =>
    why === null ? [] : [{ worker, finding: { level: 'refused', field: 'ports', text: `port ${port} on ${address} cannot be listened on: ${why}` } }],
  );
}

function whyNot(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      const known: Readonly<Record<string, string>> = {
        EADDRINUSE: 'it is in use by another program',
        EACCES: 'this user may not',
        EADDRNOTAVAIL: 'this host has no such address',
      };
      resolve(known[code ?? ''] ?? message);
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
