import { readdirSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, expect, test } from 'vitest';
import { run } from '../src/fixtures/command.ts';

let agent: TestAgent | undefined;
afterEach(async () => {
  await agent?.request('POST', '/v1/down', { waitMs: 30_000 }).catch(() => {});
  await agent?.stop();
  agent = undefined;
}, 60_000);

interface Ps {
  readonly workers: readonly { readonly name: string; readonly state: string; readonly native: { readonly pid: number | null } }[];
}

const worker = async (one: TestAgent, name: string) => ((await one.ps()) as Ps).workers.find((each) => each.name === name);
const inState = (one: TestAgent, name: string, ...states: string[]): Promise<unknown> =>
  waitFor(`${name} is ${states.join(' or ')}`, async () => states.includes((await worker(one, name))?.state ?? ''));
const pidOf = (one: TestAgent, name: string): Promise<number> =>
  waitFor(`${name} runs`, async () => (await worker(one, name))?.native.pid ?? false) as Promise<number>;

/** The text with everything that differs from run to run taken out, where its lines are broken included. */
const settled = (text: string, { folder }: TestAgent): string =>
  text
    .replaceAll(/\n {9}(?=[^ |])/g, ' ')
    .replaceAll(folder, '<folder>')
    .replaceAll(/\b20\d\d-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(/\((?:now|in [\d.]+ m?s|[\d.]+ m?s ago)\)/g, '(<near>)')
    .replaceAll(/[\d.]+ m?s\b(?=[ ;.])/g, '<short>')
    .replaceAll(/\bpid \d+/g, 'pid <pid>');

async function told(one: TestAgent, name: string): Promise<void> {
  const { code, stdout, stderr } = await run(['why', name, '--socket', one.socket]);
  await expect(settled(`${stdout}${stderr}`, one)).toMatchFileSnapshot(`./why-texts/${name}.txt`);
  expect(code).toBe(name === 'late' ? 1 : 0);
}

const slowly = { backoff: { first: '1m', min: '1m', max: '1m' } };
const hostFile = {
  ostler: 1,
  host: 'test',
  // None turns healthy meanwhile, however slow the host is.
  defaults: { service: { runtime: 'native', health: { minUp: '1h' } } },
  workers: {
    crasher: {
      command: ['/bin/sh', '-c', 'echo "reading /etc/app.conf" >&2; echo "app.conf:3: unknown key: prot" >&2; exit 3'],
      restart: { giveUp: 2, backoff: { min: '20ms', max: '20ms', jitter: 0 } },
    },
    stopped: { command: ['sleep', '1000'] },
    unheld: { command: ['sleep', '1000'], restart: slowly },
    locked: { command: ['sleep', '1000'], secrets: { env: { API_KEY: 'file:api-key' } }, restart: { backoff: { first: '0s', min: '1m', max: '1m' } } },
    waiting: { command: ['sleep', '1000'], dependsOn: { crasher: 'healthy' } },
  },
};

test('why tells what really happened to processes of this host, each as it can be understood without the source', { timeout: 60_000 }, async () => {
  agent = await startTestAgent({ hostFile, files: { 'api-key': 'a-secret-value' } });
  const one = agent;

  await inState(one, 'crasher', 'failed');
  await told(one, 'crasher');
  await waitFor('it waits for that', async () => String((await one.request('GET', '/v1/workers/waiting/why?format=text')).body).includes('it failed'));
  await told(one, 'waiting');

  for (const name of ['stopped', 'unheld', 'locked']) await pidOf(one, name);
  expect((await run(['stop', 'stopped', '--quiet', '--socket', one.socket])).code).toBe(0);
  await one.kill9();
  await one.restart();
  await told(one, 'stopped');

  const pid = await pidOf(one, 'unheld');
  const held = readdirSync(one.dataDir, { recursive: true, encoding: 'utf8' }).find((name) => /unheld\/[^/]+\/holder$/.test(name));
  process.kill(Number.parseInt(readFileSync(join(one.dataDir, held ?? ''), 'utf8'), 10), 'SIGKILL');
  process.kill(pid, 'SIGKILL');
  await inState(one, 'unheld', 'backoff');
  await told(one, 'unheld');

  const locked = await pidOf(one, 'locked');
  await rm(join(one.folder, 'api-key'));
  process.kill(locked, 'SIGKILL');
  await inState(one, 'locked', 'backoff');
  await told(one, 'locked');

  await writeFile(join(one.folder, 'ostler.yaml'), JSON.stringify({ ...hostFile, workers: { ...hostFile.workers, late: { command: ['sleep', '1000'] } } }));
  await waitFor(
    'the saved file was read',
    async () => JSON.stringify((await one.request('GET', '/v1/workers/late/why')).body).includes('not applied yet'),
    20_000,
  );
  await told(one, 'late');
});
