import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitFor, within } from '@ostler/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Running, run, start } from '../fixtures/command.ts';

let folder: string;
let begun: Running[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-up-'));
  begun = [];
});
afterEach(async () => {
  await ostler(['down']);
  await ostler(['down', '--agent']);
  for (const { child, ended } of begun) {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}, 60_000);

const given = () => ({ cwd: folder, env: { HOME: folder, OSTLER_DATA_DIR: join(folder, 'data'), NO_COLOR: '1' } });
const ostler = (args: readonly string[]) => run(args, given());
function begin(args: readonly string[]): Running {
  const running = start(args, given());
  begun.push(running);
  return running;
}
const write = (workers: object): void =>
  writeFileSync(
    join(folder, 'ostler.yaml'),
    JSON.stringify({ ostler: 1, defaults: { service: { runtime: 'native', health: { minUp: '100ms' }, stop: { grace: '2s' } } }, workers }),
  );
const talker = (word: string) => ({ shell: `while :; do echo ${word}; sleep 0.2; done` });

interface Row {
  readonly name: string;
  readonly state: string;
  readonly native: { readonly pid: number | null };
}
async function ps(): Promise<readonly Row[]> {
  const { stdout } = await ostler(['ps', '--json']);
  return (JSON.parse(stdout) as { readonly workers?: readonly Row[] }).workers ?? [];
}
const healthy = (names: readonly string[]) =>
  waitFor(`${names.join(', ')} healthy`, async () => {
    const rows = await ps();
    return rows.map(({ name }) => name).join() === names.join() && rows.every(({ state }) => state === 'healthy') && rows;
  });
function isThere(pid: number | null): boolean {
  if (pid === null) return false;
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'up runs the agent, prints the lines of its workers, and %s stops both',
  { timeout: 60_000 },
  async (signal) => {
    write({ a: talker('from-a'), b: talker('from-b') });
    const up = begin(['up']);
    await waitFor('both are heard', () => /a .*from-a/.test(up.stdout()) && /b .*from-b/.test(up.stdout()));
    const rows = await healthy(['a', 'b']);
    expect(rows.every(({ native }) => isThere(native.pid))).toBe(true);
    up.child.kill(signal);
    expect((await within('up ends', 20_000, up.ended)).code).toBe(0);
    expect(rows.filter(({ native }) => isThere(native.pid))).toEqual([]);
    expect((await ostler(['ps'])).code).toBe(3);
  },
);

test('beside an agent up applies the saved file and attaches; Ctrl-C detaches and the workers run on', { timeout: 60_000 }, async () => {
  write({ a: talker('from-a') });
  const first = begin(['up']);
  const [before] = await healthy(['a']);
  write({ a: talker('from-a'), c: talker('from-c') });
  const second = begin(['up']);
  await waitFor('the new one is heard there', () => second.stdout().includes('from-c'));
  expect(second.stderr()).toContain(`an agent runs already (pid ${first.child.pid})`);
  second.child.kill('SIGINT');
  expect((await within('the second up ends', 10_000, second.ended)).code).toBe(0);
  const [after] = await healthy(['a', 'c']);
  expect(after?.native.pid).toBe(before?.native.pid);
  expect(first.child.exitCode).toBe(null);
});

test('up --detach returns when all is well and leaves an agent that outlives it; its hold of down is lifted by up', { timeout: 90_000 }, async () => {
  write({ a: talker('from-a') });
  const up = await ostler(['up', '--detach']);
  expect([up.code, up.stderr]).toEqual([0, '']);
  const [before] = await healthy(['a']);
  expect((await ostler(['up', '--detach'])).code).toBe(0);
  expect((await ps())[0]?.native.pid).toBe(before?.native.pid);
  expect((await ostler(['down'])).code).toBe(0);
  expect((await ps())[0]).toMatchObject({ state: 'stopped' });
  expect((await ostler(['up', '--detach'])).code).toBe(0);
  const [after] = await healthy(['a']);
  expect(after?.native.pid).not.toBe(before?.native.pid);
});

test('up --detach ends with 1 when a worker is not well, and names it', { timeout: 60_000 }, async () => {
  write({ a: talker('from-a'), sick: { kind: 'job', runtime: 'native', command: ['false'], restart: 'never' } });
  const { code, stderr } = await ostler(['up', '--detach']);
  expect([code, stderr]).toEqual([1, expect.stringContaining('sick')]);
});

test('up --detach ends with 4 when the time is over', { timeout: 60_000 }, async () => {
  write({ slow: { ...talker('slow'), health: { tcp: { port: 1 }, startPeriod: '5m', interval: '1s' } } });
  const { code } = await ostler(['up', '--detach', '--wait', '1s']);
  expect(code).toBe(4);
});

test('the second signal says what is waited for, the third leaves at once', { timeout: 60_000 }, async () => {
  write({ stubborn: { shell: 'trap "" TERM; echo deaf; while :; do sleep 0.1; done', stop: { grace: '8s' } } });
  const up = begin(['up']);
  await waitFor('it does not listen', () => up.stdout().includes('deaf'));
  await healthy(['stubborn']);
  up.child.kill('SIGINT');
  await waitFor('the stop has begun', async () => (await ps())[0]?.state === 'stopping');
  up.child.kill('SIGINT');
  await waitFor('it says what it waits for', () => up.stderr().includes('still stopping the workers'));
  up.child.kill('SIGINT');
  expect((await within('up leaves', 5000, up.ended)).code).toBe(130);
  const serve = begin(['serve']);
  await waitFor('the next agent answers', async () => (await ostler(['ps'])).code === 0);
  expect(serve.child.exitCode).toBe(null);
});

test('serve ends with 0 on SIGTERM and leaves its workers running for the next one; SIGHUP reads the file again', { timeout: 60_000 }, async () => {
  write({ a: talker('from-a') });
  const first = begin(['serve']);
  const [before] = await healthy(['a']);
  writeFileSync(join(folder, 'ostler.yaml'), 'workers: {');
  first.child.kill('SIGHUP');
  await waitFor('it says what is wrong', () => first.stderr().includes('the host file cannot be used'));
  first.child.kill('SIGTERM');
  expect((await within('serve ends', 20_000, first.ended)).code).toBe(0);
  for (const line of first.stderr().trim().split('\n')) expect(() => JSON.parse(line) as unknown, line).not.toThrow();
  expect(isThere(before!.native.pid)).toBe(true);
  write({ a: talker('from-a') });
  begin(['serve']);
  const [after] = await healthy(['a']);
  expect(after?.native.pid).toBe(before?.native.pid);
});

test('SIGHUP does not end a serve that still starts', { timeout: 60_000 }, async () => {
  const sdk = fileURLToPath(import.meta.resolve('@ostler/sdk'));
  const [loading, go] = [join(folder, 'loading'), join(folder, 'go')];
  writeFileSync(
    join(folder, 'slow.mjs'),
    `import { existsSync, writeFileSync } from 'node:fs';
import { definePlugin } from ${JSON.stringify(sdk)};
writeFileSync(${JSON.stringify(loading)}, '');
while (!existsSync(${JSON.stringify(go)})) await new Promise((resolve) => setTimeout(resolve, 20));
export default definePlugin({ id: 'slow', api: 1, contributes: {}, setup: () => ({}) });`,
  );
  writeFileSync(join(folder, 'ostler.yaml'), 'plugins: [./slow.mjs]\nworkers: {}\n');
  const serve = begin(['serve']);
  await waitFor('the plugin is being loaded', () => existsSync(loading));
  serve.child.kill('SIGHUP');
  writeFileSync(go, '');
  await waitFor('the agent answers', async () => serve.child.exitCode !== null || serve.child.signalCode !== null || (await ostler(['ps'])).code === 0);
  expect([serve.child.exitCode, serve.child.signalCode]).toEqual([null, null]);
});
