import { fileURLToPath } from 'node:url';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, expect, test } from 'vitest';

const sdk = fileURLToPath(import.meta.resolve('@ostler/sdk'));
const zod = fileURLToPath(import.meta.resolve('zod'));
/** A runtime `bad` of a plugin of the same name; `methods` replaces what its driver does. */
const plugin = (methods: string, setup = '') => `import { definePlugin } from ${JSON.stringify(sdk)};
import { z } from ${JSON.stringify(zod)};
const facts = { engine: 'e', name: 'bad', version: '1', limits: { memory: 'none', cpu: 'none', pids: 'none', gpuMemory: 'none' }, gpus: [],
  outlives: { agent: true, engine: true }, notes: [] };
const never = () => new Promise(() => {});
const driver = { restarts: 'agent', ping: async () => {}, facts: async () => facts, check: () => [],
  resolve: async () => ({ digest: 'sha256:1', inputs: {}, data: null }), prepare: async () => {}, start: never, inspect: never,
  list: async () => ({ engine: 'e', instances: [] }), watch: async function* (_, signal) { await new Promise((r) => signal.addEventListener('abort', r)); },
  stop: never, remove: async () => {}, logs: async function* () {}, close: async () => {}, ${methods} };
export default definePlugin({ id: 'bad', api: 1, contributes: { runtimes: { bad: { class: 'process', options: z.strictObject({}) } } },
  setup() { ${setup} return { runtimes: { bad: driver } }; } });
`;
const hostFile = {
  ostler: 1,
  host: 'test',
  plugins: ['./bad.mjs'],
  workers: {
    good: { runtime: 'native', command: ['sleep', '1000'], health: { exec: ['true'], interval: '1s' } },
    victim: { runtime: 'bad', command: ['x'] },
  },
};
let agent: TestAgent;
afterEach(async () => {
  await agent.request('POST', '/v1/workers/good/stop', { waitMs: 20_000 }).catch(() => {});
  await agent.stop();
}, 60_000);

interface Ps {
  readonly workers: readonly {
    readonly name: string;
    readonly state: string;
    readonly reason: string;
    readonly native: { readonly pid: number | null } | null;
  }[];
}
const worker = async (name: string) => ((await agent.ps()) as Ps).workers.find((one) => one.name === name)!;
const goodIsHealthy = () => waitFor('good is healthy', async () => (await worker('good')).state === 'healthy');
const findings = async () => JSON.stringify((await agent.request('GET', '/v1/doctor')).body);

test('a plugin that waits for ever in a call is named when its deadline is over, and the other workers run on', { timeout: 60_000 }, async () => {
  agent = await startTestAgent({ hostFile, files: { 'bad.mjs': plugin('facts: never') } });
  await goodIsHealthy();
  await waitFor('doctor names it', async () => (await findings()).includes('facts of bad'), 30_000);
  expect(await findings()).toContain('plugin bad');
  expect((await worker('victim')).state).toBe('waiting');
});

test('a plugin that throws in setup is reported by name, and the other workers run on', { timeout: 60_000 }, async () => {
  agent = await startTestAgent({ hostFile, files: { 'bad.mjs': plugin('', 'throw new Error("licence expired");') } });
  await goodIsHealthy();
  expect(await findings()).toContain('bad failed: setup: licence expired');
  expect((await worker('victim')).reason).toContain('the runtime bad');
});

test('a plugin that spins is named by the watchdog, and its agent can be ended and the workers run on', { timeout: 60_000 }, async () => {
  const spins = 'prepare: async () => { for (;;); }';
  agent = await startTestAgent({ hostFile: { ...hostFile, workers: { good: hostFile.workers.good } }, files: { 'bad.mjs': plugin(spins) } });
  await goodIsHealthy();
  const { pid } = (await worker('good')).native!;
  const { writeFileSync } = await import('node:fs');
  writeFileSync(`${agent.folder}/ostler.yaml`, JSON.stringify(hostFile));
  void agent.request('POST', '/v1/apply', { waitMs: 0 }).catch(() => {});
  await waitFor('the watchdog names it', () => agent.output().includes('plugin "bad" has kept the agent\'s loop busy'), 20_000);
  await agent.kill9();
  writeFileSync(`${agent.folder}/bad.mjs`, plugin(''));
  await agent.restart();
  expect((await worker('good')).native?.pid).toBe(pid);
});
