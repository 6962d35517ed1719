import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** Takes calls and hangs up: all that matters is who calls. */
let engine: Server;
let folder: string;
let calls = 0;
let agent: TestAgent;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-engine-'));
  calls = 0;
  engine = createServer((socket) => {
    calls += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => void engine.listen(join(folder, 'engine.sock'), resolve));
});
afterEach(async () => {
  await agent.request('POST', '/v1/workers/clerk/stop', { waitMs: 20_000 }).catch(() => {});
  await agent.stop();
  await new Promise((resolve) => engine.close(resolve));
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const clerk = { runtime: 'native', command: ['sleep', '1000'], health: { minUp: '100ms' } };
const hostFile = (workers: object): object => ({ ostler: 1, host: 'test', workers });
const engines = async () => ((await agent.ps()) as { readonly engines: readonly { readonly runtime: string }[] }).engines.map(({ runtime }) => runtime);
const state = async (worker: string) =>
  ((await agent.ps()) as { readonly workers: readonly { readonly name: string; readonly state: string; readonly runtime: string }[] }).workers.find(
    ({ name }) => name === worker,
  );

test('an engine is asked nothing until a worker names it, but by who asks what this host offers', { timeout: 60_000 }, async () => {
  const env = { DOCKER_HOST: `unix://${join(folder, 'engine.sock')}`, CONTAINER_HOST: `unix://${join(folder, 'none.sock')}` };
  agent = await startTestAgent({ hostFile: hostFile({ clerk }), env });
  await waitFor('the clerk is healthy', async () => (await state('clerk'))?.state === 'healthy');
  expect([await engines(), calls]).toEqual([['native'], 0]);

  const { body } = await agent.request('GET', '/v1/runtimes');
  expect(body).toMatchObject({
    runtimes: [
      { name: 'native', state: 'up' },
      { name: 'docker', state: 'down' },
      { name: 'podman', state: 'down' },
    ],
  });
  expect([await engines(), calls > 0]).toEqual([['native'], true]);

  writeFileSync(join(agent.folder, 'ostler.yaml'), JSON.stringify(hostFile({ clerk, web: { runtime: 'docker', image: 'web:1' } })));
  const applied = await agent.request('POST', '/v1/apply', { waitMs: 1000 });
  expect(applied.status).toBeLessThan(500);
  expect(await engines()).toEqual(['native', 'docker']);
  expect([(await state('web'))?.runtime, (await state('clerk'))?.state]).toEqual(['docker', 'healthy']);
});

/** Where engines put their sockets: with one there, this host has an engine. */
const isBare = !['/var/run/docker.sock', '/run/podman/podman.sock'].some((path) => existsSync(path));

test.runIf(isBare)('of several runtimes it takes the first that this host has, and stays with it', { timeout: 60_000 }, async () => {
  const bare = { PATH: folder, HOME: folder, XDG_RUNTIME_DIR: folder, DOCKER_HOST: '', CONTAINER_HOST: '' };
  const own = { ...clerk, command: ['/bin/sleep', '1000'], image: 'web:1' };
  agent = await startTestAgent({ hostFile: hostFile({ clerk: { ...own, runtime: ['podman', 'docker', 'native'] } }), env: bare });
  await waitFor('the clerk is healthy', async () => (await state('clerk'))?.state === 'healthy');
  expect((await state('clerk'))?.runtime).toBe('native');
  await agent.kill9();
  await agent.restart();
  expect(await state('clerk')).toMatchObject({ runtime: 'native', state: expect.stringMatching(/healthy|running/) });
});

test('an engine that is here and does not answer is waited for: it may be late', { timeout: 60_000 }, async () => {
  const env = { DOCKER_HOST: `unix://${join(folder, 'engine.sock')}`, CONTAINER_HOST: '' };
  agent = await startTestAgent({ hostFile: hostFile({ clerk: { ...clerk, image: 'web:1', runtime: ['docker', 'native'] } }), env });
  expect(await state('clerk')).toMatchObject({ runtime: 'docker', state: 'waiting' });
});
