import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, expect, test } from 'vitest';
import { run } from '../src/fixtures/command.ts';

const sdk = fileURLToPath(import.meta.resolve('@ostler/sdk'));
const zod = fileURLToPath(import.meta.resolve('zod'));
/** Two runtimes in memory: `deaf` hears nothing of its workers, `hears` reads what they say from said.json. */
const plugin = `import { readFileSync } from 'node:fs';
import { definePlugin } from ${JSON.stringify(sdk)};
import { z } from ${JSON.stringify(zod)};
const running = new Map();
const facts = { engine: 'e', name: 'two', version: '1', limits: { memory: 'none', cpu: 'none', pids: 'none', gpuMemory: 'none' }, gpus: [],
  outlives: { agent: false, engine: true }, notes: [] };
const found = (ref) => running.get(ref.instance) ?? { is: 'gone', engine: 'e' };
const deaf = { restarts: 'agent', ping: async () => {}, facts: async () => facts, check: () => [], prepare: async () => {},
  resolve: async () => ({ digest: 'sha256:1', inputs: {}, data: null }), inspect: async ({ ref }) => found(ref),
  start: async (ref) => {
    running.set(ref.instance, { ref, handle: { version: 1, data: null }, engine: 'e', is: 'running', startedAt: new Date().toISOString(), endpoints: [] });
    return found(ref);
  },
  stop: async ({ ref }) => { running.delete(ref.instance); return found(ref); },
  list: async () => ({ engine: 'e', instances: [...running.values()].map(({ ref, handle, is }) => ({ ref, handle, is })) }),
  watch: async function* (_, signal) { await new Promise((end) => signal.addEventListener('abort', end)); },
  remove: async () => {}, logs: async function* () {}, close: async () => {} };
const hears = { ...deaf, notified: async () => JSON.parse(readFileSync(new URL('./said.json', import.meta.url), 'utf8')) };
const options = z.strictObject({});
export default definePlugin({ id: 'two', api: 1,
  contributes: { runtimes: { deaf: { class: 'process', options }, hears: { class: 'process', options } } },
  setup: () => ({ runtimes: { deaf, hears } }) });
`;
const said = (more: object) => JSON.stringify({ readyAt: null, aliveAt: null, stoppingAt: null, isTripped: false, status: null, ...more });
const telling = (runtime: string, health: object = {}) => ({ runtime, command: ['x'], health: { notify: true, ...health } });
const hostFile = (workers: object) => ({ ostler: 1, host: 'test', plugins: ['./two.mjs'], workers });
const files = { 'two.mjs': plugin, 'said.json': said({ status: 'loading' }) };

let agent: TestAgent | undefined;
afterEach(async () => {
  await agent?.stop();
  agent = undefined;
}, 60_000);

const web = async () =>
  ((await agent!.ps()) as { workers: { name: string; state: string; reason: string | null }[] }).workers.find(({ name }) => name === 'web')!;

test('a worker is healthy once it has said READY=1, and what it says of itself stands in ps and why when it is not', { timeout: 60_000 }, async () => {
  const health = { interval: '200ms', startPeriod: '1s', retries: 2, onUnhealthy: 'report' };
  agent = await startTestAgent({ hostFile: hostFile({ web: telling('hears', health) }), files });
  await waitFor('it is unhealthy', async () => (await web()).state === 'unhealthy');
  expect((await web()).reason).toContain('has not said READY=1 yet; its status: loading');
  writeFileSync(join(agent.folder, 'said.json'), said({ readyAt: new Date().toISOString(), status: 'serving' }));
  await waitFor('it is healthy', async () => (await web()).state === 'healthy');
  writeFileSync(join(agent.folder, 'said.json'), said({ readyAt: new Date().toISOString(), isTripped: true, status: 'deadlock' }));
  await waitFor('it is unhealthy again', async () => (await web()).state === 'unhealthy');
  const why = await agent.request('GET', '/v1/workers/web/why');
  expect(JSON.stringify(why.body)).toContain('said WATCHDOG=trigger; its status: deadlock');
});

test('apply and check refuse a worker that tells of itself where its runtime does not hear it, and name one that does', { timeout: 60_000 }, async () => {
  agent = await startTestAgent({ hostFile: hostFile({ web: telling('hears') }), files });
  writeFileSync(join(agent.folder, 'ostler.yaml'), JSON.stringify(hostFile({ web: telling('hears'), db: telling('deaf') })));
  const refusal = /health\.notify is not something that the deaf runtime can honour.*of the runtimes of this host, (.* and )?hears/;
  const { body } = await agent.request('POST', '/v1/plan', {});
  const { steps } = body as { steps: { worker: string; refused: string[] }[] };
  expect(steps.map(({ worker, refused }) => [worker, refused.length])).toEqual([
    ['db', 1],
    ['web', 0],
  ]);
  expect(steps[0]?.refused[0]).toMatch(refusal);
  const checked = await run(['check', '--json'], { cwd: agent.folder, env: { HOME: agent.folder, OSTLER_DATA_DIR: join(agent.folder, 'other') } });
  const { workers } = JSON.parse(checked.stdout) as { workers: { name: string; findings: { field: string; text: string }[] }[] };
  const findings = workers.find(({ name }) => name === 'db')?.findings;
  expect(findings).toEqual([{ level: 'refused', field: 'health.notify', text: expect.stringMatching(refusal) }]);
});
