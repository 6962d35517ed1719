import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';

const service = { runtime: 'native', command: ['/bin/sleep', '1000'], health: { minUp: '100ms' } };
const hostFile = (workers: object) => JSON.stringify({ ostler: 1, host: 'test', workers });
interface Ps {
  readonly workers: readonly {
    readonly name: string;
    readonly state: string;
    readonly reason: string;
    readonly pendingChange: boolean;
    readonly native: { readonly pid: number | null };
  }[];
}

/** An engine may be here all the same. */
const engineMs = 60_000;
/** Of the agent, as it starts. */
let env: Record<string, string>;
let agent: TestAgent;
let before: Readonly<Record<string, number | null>>;
const ps = async () => ((await agent.ps()) as Ps).workers;
const pids = async () => Object.fromEntries((await ps()).map(({ name, native }) => [name, native.pid]));
const areHealthy = async (...names: readonly string[]) => {
  const healthy = (await ps()).filter(({ state }) => state === 'healthy').map(({ name }) => name);
  return names.every((name) => healthy.includes(name));
};
const problem = async () => ((await agent.request('GET', '/v1/agent')).body as { hostFileProblem: { code: string; message: string } | null }).hostFileProblem;
const doctor = async () => JSON.stringify((await agent.request('GET', '/v1/doctor')).body);

async function loseStore(): Promise<void> {
  await agent.kill9();
  for (const name of readdirSync(agent.dataDir)) if (name.startsWith('state.db')) rmSync(join(agent.dataDir, name));
}
const save = (workers: object): void => writeFileSync(join(agent.folder, 'ostler.yaml'), hostFile(workers));

/** Those of this machine but Docker's, whose engine would be waited for where it is not up. */
const programs = mkdtempSync(join(tmpdir(), 'ostler-programs-'));
for (const name of readdirSync('/usr/bin')) if (!name.startsWith('docker')) symlinkSync(join('/usr/bin', name), join(programs, name));
afterAll(() => rmSync(programs, { recursive: true }));

beforeEach(async () => {
  env = { PATH: programs, DOCKER_HOST: '', CONTAINER_HOST: '' };
  agent = await startTestAgent({ hostFile: hostFile({ a: service, b: service, c: service }), env });
  await waitFor('all run', () => areHealthy('a', 'b', 'c'));
  before = await pids();
});
afterEach(async () => {
  await agent.request('POST', '/v1/down', { waitMs: 20_000 });
  await agent.stop();
}, 60_000);

test('beside a lost store, one worker that is refused keeps no other from being supervised, and is applied once its cause is gone', {
  timeout: 120_000,
}, async () => {
  await loseStore();
  save({ a: service, b: service, c: service, d: { ...service, secrets: { env: { KEY: 'file:key' } } } });
  await agent.restart();
  expect(await pids()).toEqual(before);
  expect(await problem()).toMatchObject({ code: 'plan-refused', message: expect.stringContaining('d: a secret cannot be read') });
  expect(await doctor()).toContain('d: a secret cannot be read');

  process.kill(before['a']!);
  await waitFor('what ended is started again', async () => (await areHealthy('a')) && (await pids())['a'] !== before['a']);

  writeFileSync(join(agent.folder, 'key'), 'x', { mode: 0o600 });
  await waitFor('what was refused is applied', () => areHealthy('d'), engineMs);
  expect([await problem(), (await pids())['b']]).toEqual([null, before['b']]);
});

test('beside a lost store, a file that would remove most workers takes none away, is told, and the next save that fits is applied', {
  timeout: 120_000,
}, async () => {
  await loseStore();
  save({ a: service });
  await agent.restart();
  expect(await pids()).toEqual(before);
  expect(await problem()).toMatchObject({ code: 'remove-not-allowed', message: expect.stringContaining('b, c') });
  expect(await doctor()).toContain('--allow-remove');

  save({ a: service, b: service, c: service, d: service });
  await waitFor('the next save is applied', () => areHealthy('a', 'b', 'c', 'd'), engineMs);
  expect(await problem()).toBeNull();
  expect((await pids())['a']).toBe(before['a']);

  // By hand again from here on.
  save({ a: service, b: service, c: service });
  await waitFor('a save is pending', async () => (await ps()).find(({ name }) => name === 'd')?.pendingChange);
});

test('beside a lost store, an apply by hand of what was refused ends the trouble', { timeout: 120_000 }, async () => {
  await loseStore();
  save({ a: service });
  await agent.restart();
  await agent.request('POST', '/v1/plan', {});
  expect(await problem()).toMatchObject({ code: 'remove-not-allowed' });
  const { body } = await agent.request('POST', '/v1/apply', { allowRemove: true, waitMs: 20_000 });
  expect(body).toMatchObject({ outcome: 'done' });
  expect([await pids(), await problem()]).toEqual([{ a: before['a'] }, null]);
});

test('beside a lost store, what was never seen starts on no runtime while an engine may run it, over any number of agents', { timeout: 180_000 }, async () => {
  const path = join(agent.folder, 'engine.sock');
  let calls = 0;
  const engine = createServer((socket) => {
    calls += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => void engine.listen(path, resolve));
  try {
    await loseStore();
    save({ a: service, b: service, c: service, d: service, e: service });
    env['DOCKER_HOST'] = `unix://${path}`;
    for (const ends of [() => agent.kill9(), async () => {}]) {
      await agent.restart();
      expect(calls).toBeGreaterThan(0);
      const d = () => ps().then((workers) => workers.find(({ name }) => name === 'd'));
      await waitFor('it is told what it waits for', async () => (await d())?.reason.includes('docker'));
      expect(await d()).toMatchObject({ state: 'waiting', native: { pid: null } });
      // Those that were found are known to be nowhere else.
      expect(await pids()).toMatchObject(before);
      calls = 0;
      await ends();
    }
    process.kill(before['a']!);
    await waitFor('what was found is started again', async () => (await areHealthy('a')) && (await pids())['a'] !== before['a']);
    await agent.request('POST', '/v1/workers/d/stop', { waitMs: 20_000 });
    await agent.request('POST', '/v1/workers/d/start', { waitMs: 20_000 });
    expect(await areHealthy('d')).toBe(true);
    await agent.kill9();
    env['DOCKER_HOST'] = '';
    await agent.restart();
    await waitFor('an engine that is not there keeps nobody waiting', () => areHealthy('e'), engineMs);
  } finally {
    await new Promise((resolve) => engine.close(resolve));
  }
});
