import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';

const service = { runtime: 'native', command: ['sleep', '1000'], health: { minUp: '100ms' } };
const hostFile = (workers: object) => JSON.stringify({ ostler: 1, host: 'test', workers });
interface Ps {
  readonly workers: readonly {
    readonly name: string;
    readonly state: string;
    readonly pendingChange: boolean;
    readonly native: { readonly pid: number | null };
  }[];
}

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

beforeEach(async () => {
  agent = await startTestAgent({ hostFile: hostFile({ a: service, b: service, c: service }) });
  await waitFor('all run', () => areHealthy('a', 'b', 'c'));
  before = await pids();
});
afterEach(async () => {
  await agent.request('POST', '/v1/down', { waitMs: 20_000 });
  await agent.stop();
}, 60_000);

test('beside a lost store, one worker that is refused keeps no other from being supervised, and is applied once its cause is gone', {
  timeout: 90_000,
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
  await waitFor('what was refused is applied', () => areHealthy('d'), 30_000);
  expect([await problem(), (await pids())['b']]).toEqual([null, before['b']]);
});

test('beside a lost store, a file that would remove most workers takes none away, is told, and the next save that fits is applied', {
  timeout: 90_000,
}, async () => {
  await loseStore();
  save({ a: service });
  await agent.restart();
  expect(await pids()).toEqual(before);
  expect(await problem()).toMatchObject({ code: 'remove-not-allowed', message: expect.stringContaining('b, c') });
  expect(await doctor()).toContain('--allow-remove');

  save({ a: service, b: service, c: service, d: service });
  await waitFor('the next save is applied', () => areHealthy('a', 'b', 'c', 'd'), 30_000);
  expect(await problem()).toBeNull();
  expect((await pids())['a']).toBe(before['a']);

  // By hand again from here on.
  save({ a: service, b: service, c: service });
  await waitFor('a save is pending', async () => (await ps()).find(({ name }) => name === 'd')?.pendingChange);
});

test('beside a lost store, an apply by hand of what was refused ends the trouble', { timeout: 90_000 }, async () => {
  await loseStore();
  save({ a: service });
  await agent.restart();
  await agent.request('POST', '/v1/plan', {});
  expect(await problem()).toMatchObject({ code: 'remove-not-allowed' });
  const { body } = await agent.request('POST', '/v1/apply', { allowRemove: true, waitMs: 20_000 });
  expect(body).toMatchObject({ outcome: 'done' });
  expect([await pids(), await problem()]).toEqual([{ a: before['a'] }, null]);
});
