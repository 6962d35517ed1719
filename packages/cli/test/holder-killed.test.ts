import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, expect, test } from 'vitest';

let agent: TestAgent | undefined;
afterEach(async () => {
  await agent?.request('POST', '/v1/down', { waitMs: 30_000 }).catch(() => {});
  await agent?.stop();
  agent = undefined;
}, 60_000);

interface Ps {
  readonly workers: readonly { readonly state: string; readonly restarts: number; readonly native: { readonly pid: number | null } }[];
}

/** A thousand numbered lines a second. */
const numbers = `
let n = 0;
const began = Date.now();
setInterval(() => {
  let text = '';
  for (const due = Date.now() - began; n < due; n++) text += n + '\\n';
  if (text) process.stdout.write(text);
}, 10);
`;

/** The holder's pid, by the one instance directory that there is. */
function holderOf(dataDir: string): number {
  const file = readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).find((name) => /numbers\/[^/]+\/holder$/.test(name));
  return Number.parseInt(readFileSync(join(dataDir, file ?? ''), 'utf8'), 10);
}

async function linesOf(one: TestAgent): Promise<readonly string[]> {
  const { body } = await one.request('GET', '/v1/workers/numbers/logs');
  const records = String(body)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { readonly type: string; readonly data: string | null });
  expect(records.filter(({ type }) => type !== 'log')).toEqual([]);
  return Buffer.concat(records.map(({ data }) => Buffer.from(data ?? '', 'base64')))
    .toString()
    .split('\n')
    .slice(0, -1);
}

test('a holder that is killed costs neither the worker nor a line; its end is told as not known, and it is started again', { timeout: 60_000 }, async () => {
  agent = await startTestAgent({
    hostFile: { ostler: 1, host: 'test', workers: { numbers: { runtime: 'native', command: [process.execPath, 'numbers.cjs'] } } },
    files: { 'numbers.cjs': numbers },
  });
  const one = agent;
  const worker = async () => ((await one.ps()) as Ps).workers[0];
  const pid = await waitFor('it runs', async () => (await worker())?.native.pid ?? false);
  await waitFor('it writes', async () => (await linesOf(one)).length > 200);
  process.kill(holderOf(one.dataDir), 'SIGKILL');
  const before = (await linesOf(one)).length;
  await waitFor('it goes on writing', async () => (await linesOf(one)).length > before + 1000);
  expect((await worker())?.native.pid).toBe(pid);
  const lines = await linesOf(one);
  expect(lines.findIndex((line, index) => line !== String(index))).toBe(-1);
  process.kill(pid as number, 'SIGKILL');
  await waitFor('it was started again', async () => {
    const now = await worker();
    return now?.native.pid != null && now.native.pid !== pid && now.restarts === 1;
  });
  const why = await one.request('GET', '/v1/workers/numbers/why');
  expect(JSON.stringify(why.body)).toContain('how is not known: what held it was gone');
});
