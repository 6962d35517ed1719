import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test as anyTest, beforeEach, expect } from 'vitest';
import { type Bench, bench, call, ended, holders, logsOf, until } from '../../driver/fixtures/bench.ts';
import { findBinary } from './binary.ts';

// Left out where there is neither a C compiler nor the package with the binary.
const needsBinary = findBinary().path === null;
const test = anyTest.skipIf(needsBinary);

let b: Bench;
beforeEach(() => {
  b = bench();
});
afterEach(() => b.end());

const dirOf = (instance: string) => join(b.state, b.agent, 'w', instance);
const holderOf = (instance: string) => Number.parseInt(readFileSync(join(dirOf(instance), 'holder'), 'utf8'), 10);

/** Private memory of a process, in KiB. */
const privateKib = (pid: number): number =>
  [...readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8').matchAll(/^Private_(?:Clean|Dirty):\s+(\d+)/gm)].reduce((sum, [, kib]) => sum + Number(kib), 0);

test('a worker that writes one line of 1 GB is read as fast as it writes, and neither log nor holder grows over its bounds', async () => {
  const target = await b.start(['sh', '-c', 'head -c 1000000000 /dev/zero; sleep 1000'], { logs: { maxSizeBytes: 1 << 20, maxFiles: 3 } });
  const { instance } = target.ref;
  await until(async () => (await logsOf(b.driver, target, { tailLines: 0 })).gap === 0, 'a log');
  await until(() => !spawnSync('pgrep', ['-P', String(pidOf(instance)), 'head']).stdout.length, 'the last byte', 60_000);
  const seen = await logsOf(b.driver, target);
  expect(seen.gap + seen.stdout.length).toBe(1_000_000_000);
  expect(seen.stdout.length).toBeLessThanOrEqual(3 << 20);
  expect(privateKib(holderOf(instance))).toBeLessThan(200);
}, 90_000);

const pidOf = (instance: string) => Number.parseInt(readFileSync(join(dirOf(instance), 'pid'), 'utf8'), 10);

test.each(holders)('%s: a worker that closes its outputs runs on and ends with its own code', async (_, holderOn) => {
  const own = bench(holderOn);
  try {
    const target = await own.start(['sh', '-c', 'exec >&- 2>&-; sleep 0.3; exit 9']);
    expect((await ended(own.driver, target)).exit).toMatchObject({ code: 9, evidence: 'holder' });
  } finally {
    await own.end();
  }
});

test('what a grandchild writes to the outputs that an ended worker handed to it is kept', async () => {
  const target = await b.start(['sh', '-c', '(setsid sh -c "sleep 0.2; echo late" &); echo early; exit 0']);
  expect((await ended(b.driver, target)).exit.code).toBe(0);
  expect((await logsOf(b.driver, target, 'start', true)).stdout).toBe('early\nlate\n');
});

test('a process that left session, parents, environment and output stays below the holder, and goes with stop', async () => {
  const target = await b.start(['sh', '-c', '(setsid env -i /bin/sleep 4711 </dev/null >/dev/null 2>&1 &); while :; do sleep 1; done']);
  const sleeper = await until(() => Number(spawnSync('pgrep', ['-f', '^/bin/sleep 4711$']).stdout.toString().trim()), 'the daemon');
  expect(readFileSync(`/proc/${sleeper}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]).toBe(String(holderOf(target.ref.instance)));
  await b.driver.stop(target, { signal: 'SIGTERM', graceMs: 50 }, call());
  expect(existsSync(`/proc/${sleeper}`) && !/\) Z/.test(readFileSync(`/proc/${sleeper}/stat`, 'utf8'))).toBe(false);
});

test('a signal to its own group reaches the whole group of the worker and not the holder', async () => {
  const target = await b.start(['sh', '-c', 'trap "echo got; kill -KILL 0" TERM; echo ready; sleep 100 & wait']);
  await until(async () => (await logsOf(b.driver, target)).stdout, 'its trap');
  await b.driver.signal(target, 'SIGTERM', call());
  expect((await ended(b.driver, target)).exit).toMatchObject({ signal: 'SIGKILL', evidence: 'holder' });
  expect((await logsOf(b.driver, target, 'start', true)).stdout).toBe('ready\ngot\n');
});

test('an instance directory that vanishes under a running worker costs neither worker nor holder', async () => {
  const target = await b.start(['sh', '-c', 'while :; do echo tick; sleep 0.01; done'], { logs: { maxSizeBytes: 4096, maxFiles: 2 } });
  const holder = holderOf(target.ref.instance);
  const worker = pidOf(target.ref.instance);
  rmSync(dirOf(target.ref.instance), { recursive: true });
  await new Promise((done) => setTimeout(done, 1500));
  expect([holder, worker].map((pid) => existsSync(`/proc/${pid}`))).toEqual([true, true]);
  process.kill(worker, 'SIGKILL');
  await until(() => !existsSync(`/proc/${holder}`), 'the end of the holder');
});

test('a folder that takes no instance is said, and nothing runs', async () => {
  mkdirSync(join(b.state, b.agent), { recursive: true });
  writeFileSync(join(b.state, b.agent, 'w'), 'a file where a folder should be');
  await expect(b.start(['true'])).rejects.toMatchObject({ code: 'internal', outcome: 'no' });
  rmSync(join(b.state, b.agent, 'w'));
});

test('a fifo that was replaced by a file is said, and nothing runs', async () => {
  const ref = b.ref();
  const { makeInstance } = await import('../../instance/directory.ts');
  const spec = {
    protocol: 1,
    ref,
    command: ['true'],
    cwd: '/',
    user: null,
    holder: 'compiled',
    segments: 'framed',
    exit: 'fixed',
    segmentBytes: 4096,
    segmentFiles: 2,
  } as const;
  const cgroups = { own: null, memory: null, cpu: null, pids: null };
  await makeInstance(dirOf(ref.instance), { ...spec, cgroups, secretsDir: null, endpoints: [] }, async (dir) => writeFileSync(join(dir, 'out.p'), ''));
  chmodSync(dirOf(ref.instance), 0o700);
  const { runOf, specOf } = await import('../../driver/fixtures/bench.ts');
  await expect(b.driver.start(ref, runOf(specOf(['true'])), call())).rejects.toMatchObject({
    outcome: 'no',
    message: expect.stringContaining('its instance directory'),
  });
});
