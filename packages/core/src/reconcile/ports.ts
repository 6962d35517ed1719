import { createServer } from 'node:net';
import type { Port } from '@ostler/sdk';
import { portHolder } from './port-holder.ts';

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not',
  EADDRNOTAVAIL: 'this host has no such address',
};

/**
 * Why published ports cannot be listened on now, a sentence each. Found out by listening for a moment. `held`: ports of the host that workers of
 * this agent hold, which are no trouble.
 */
export async function portTroubles(ports: readonly Port[], held: ReadonlySet<number>): Promise<readonly string[]> {
  const asked = ports.flatMap(({ publish, protocol }) => (publish !== null && protocol === 'tcp' && !held.has(publish.port) ? [publish] : []));
  const found = await Promise.all(asked.map(async ({ address, port }) => ({ address, port, why: await whyNot(address, port) })));
  return found.flatMap(({ address, port, why }) => (why === null ? [] : [`port ${port} on ${address} cannot be listened on: ${why}`]));
}

async function whyNot(host: string, port: number): Promise<string | null> {
  const error = await listenOnce(host, port);
  if (error?.code === 'EADDRINUSE') return `it is in use by ${(await portHolder(port)) ?? 'another program'}`;
  return error && (reasons[error.code ?? ''] ?? error.message);
}

function listenOnce(host: string, port: number): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
