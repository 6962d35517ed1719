import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { portHolder } from './port-holder.ts';
import { portTroubles } from './ports.ts';

const isLinux = process.platform === 'linux';

test.skipIf(!isLinux).each(['127.0.0.1', '::1'])('who listens on a port of %s is named, with its pid', async (host) => {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as { readonly port: number };
  expect(await portHolder(port)).toMatch(new RegExp(`^\\S+ \\(pid ${process.pid}\\)$`));
  const ports = [{ name: 'http', port: 80, protocol: 'tcp', publish: { address: host, port } }] as const;
  expect(await portTroubles(ports, new Set())).toEqual([
    expect.stringMatching(new RegExp(`^port ${port} on ${host} cannot be listened on: it is in use by \\S+ \\(pid ${process.pid}\\)$`)),
  ]);
  server.close();
  await once(server, 'close');
  expect(await portHolder(port)).toBe(null);
  expect(await portTroubles(ports, new Set())).toEqual([]);
});
