import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, expect, test } from 'vitest';

/** A server of grpc.health.v1 that serves as long as the file is there. */
const server = `
import { existsSync } from 'node:fs';
import { createServer } from 'node:http2';
const server = createServer().on('stream', (stream) => {
  stream.resume();
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.from([0, 0, 0, 0, 2, 8, existsSync('serve') ? 1 : 2]));
});
server.listen(Number(process.env.PORT), '127.0.0.1');
`;
const rounds = { interval: '200ms', retries: 2, onUnhealthy: 'report' };
const workersOn = (port: number) => ({
  says: { shell: 'echo starting; sleep 0.3; echo ready; exec sleep 600', health: { log: '^ready$$', ...rounds } },
  beats: { shell: 'while [ ! -e stop ]; do touch beat; sleep 0.1; done; exec sleep 600', health: { file: { path: 'beat', maxAge: '1s' }, ...rounds } },
  serves: { shell: `touch serve; exec "${process.execPath}" server.mjs`, ports: [port], health: { grpc: true, startPeriod: '30s', ...rounds } },
});

async function freePort(): Promise<number> {
  const held = createServer().listen(0, '127.0.0.1');
  await once(held, 'listening');
  const { port } = held.address() as AddressInfo;
  held.close();
  await once(held, 'close');
  return port;
}

interface Worker {
  readonly name: string;
  readonly state: string;
  readonly reason: string | null;
  readonly restarts: number;
  readonly native: { readonly pid: number | null };
}

let agent: TestAgent | undefined;
afterEach(async () => {
  await agent?.request('POST', '/v1/down', { waitMs: 60_000 }).catch(() => {});
  await agent?.stop();
  agent = undefined;
}, 60_000);

const all = async (): Promise<readonly Worker[]> => ((await agent!.ps()) as { readonly workers: readonly Worker[] }).workers;
const states = async () => Object.fromEntries((await all()).map(({ name, state }) => [name, state]));
const areHealthy = async (): Promise<boolean> => Object.values(await states()).every((state) => state === 'healthy');

test('what a native worker prints, writes and serves makes it healthy, and so with the next agent', { timeout: 120_000 }, async () => {
  const port = await freePort();
  const defaults = { service: { runtime: 'native', workingDir: '.' } };
  agent = await startTestAgent({ hostFile: { ostler: 1, host: 'test', defaults, workers: workersOn(port) }, files: { 'server.mjs': server } });
  await waitFor('all are healthy', areHealthy);
  const pids = (await all()).map(({ native }) => native.pid);
  rmSync(join(agent.folder, 'serve'));
  await waitFor('the server does not serve', async () => (await states())['serves'] === 'unhealthy');
  expect((await all()).find(({ name }) => name === 'serves')?.reason).toBe(`unhealthy: gRPC health of 127.0.0.1:${port} answered NOT_SERVING`);
  expect(existsSync(join(agent.folder, 'beat'))).toBe(true);
  await agent.kill9();
  await agent.restart();
  await waitFor('what was healthy is so again', async () => {
    const { says, beats, serves } = await states();
    return says === 'healthy' && beats === 'healthy' && serves === 'unhealthy';
  });
  expect((await all()).map(({ native }) => native.pid)).toEqual(pids);
});
