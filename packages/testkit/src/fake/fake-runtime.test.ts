import type { Call, Hint, InstanceRef, Run } from '@ostler/sdk';
import { expect, test } from 'vitest';
import { workerSpec } from '../worker-spec.ts';
import { fakeRuntime } from './fake-runtime.ts';

const ref = (worker: string, instance = 'a1'): InstanceRef => ({ agent: 'agent', worker, generation: '1-aa', instance });
const run: Run = {
  spec: workerSpec(),
  artifact: { digest: 'sha256:0', inputs: {}, data: null },
  secrets: { files: [], env: {} },
  env: {},
  shares: null,
  gpus: [],
  traffic: 'live',
};
const call = (signal: AbortSignal = new AbortController().signal): Call => ({ signal, deadlineMs: 0, progress: () => {}, output: () => {} });

test('a worker ends when its script says so, with the code that it says', async () => {
  const { driver, world, clock } = fakeRuntime({ scripts: { web: { exit: { afterMs: 100, code: 3 } } } });
  await driver.start(ref('web'), run, call());
  expect(world.live('web')).toEqual([ref('web')]);
  await clock.advance(100);
  const found = await driver.inspect({ ref: ref('web'), handle: null }, call());
  expect(found).toMatchObject({ is: 'exited', exit: { code: 3, signal: null } });
  expect(world.live('web')).toEqual([]);
});

test('a lost reply is thrown as unknown, and the worker runs; the same ref again is no twin', async () => {
  const { driver, world } = fakeRuntime({ scripts: { web: { start: 'lost-reply' } } });
  await expect(driver.start(ref('web'), run, call())).rejects.toMatchObject({ code: 'timeout', outcome: 'unknown' });
  expect((await driver.inspect({ ref: ref('web'), handle: null }, call())).is).toBe('running');
  await driver.start(ref('web'), run, call());
  expect(world.starts).toHaveLength(1);
});

test('a late start is carried out after its failure; the same ref is no twin, a new one is', async () => {
  const { driver, world, clock } = fakeRuntime({ scripts: { web: [{ start: 'late', lateMs: 50 }, {}] } });
  await expect(driver.start(ref('web'), run, call())).rejects.toMatchObject({ outcome: 'unknown' });
  expect((await driver.inspect({ ref: ref('web'), handle: null }, call())).is).toBe('gone');
  await driver.start(ref('web'), run, call());
  await clock.advance(50);
  expect(world.starts).toHaveLength(1);
  world.script('web', [{ start: 'late', lateMs: 50 }, {}]);
  await expect(driver.start(ref('web', 'b1'), run, call())).rejects.toMatchObject({ outcome: 'unknown' });
  await driver.start(ref('web', 'b2'), run, call());
  await clock.advance(50);
  expect(world.live('web').map((one) => one.instance)).toEqual(['a1', 'b2', 'b1']);
});

test('what a worker says by sd_notify(3) is kept, told to the next agent, and not heard of one that does not say `notify`', async () => {
  const says = [
    { afterMs: 10, message: 'STATUS=loading' },
    { afterMs: 20, message: 'READY=1\nSTATUS=serving\nX=1' },
    { afterMs: 30, message: 'WATCHDOG=1' },
    { afterMs: 40, message: 'STOPPING=1\nWATCHDOG=trigger' },
  ];
  const { driver, clock, again } = fakeRuntime({ scripts: { web: { says }, db: { says } } });
  const at = (ms: number): string => new Date(began + ms).toISOString();
  const began = clock.nowMs();
  await driver.start(ref('web'), { ...run, spec: workerSpec({ notify: { watchdogMs: null } }) }, call());
  await driver.start(ref('db'), run, call());
  const asked = (worker: string) => again().notified?.({ ref: ref(worker), handle: null }, call());
  expect(await asked('web')).toEqual({ readyAt: null, aliveAt: null, stoppingAt: null, isTripped: false, status: null });
  await clock.advance(10);
  expect(await asked('web')).toMatchObject({ readyAt: null, status: 'loading' });
  await clock.advance(30);
  expect(await asked('web')).toEqual({ readyAt: at(20), aliveAt: at(30), stoppingAt: at(40), isTripped: true, status: 'serving' });
  expect(await asked('db')).toBeNull();
  await expect(asked('none')).rejects.toMatchObject({ code: 'not-found', outcome: 'no' });
});

test('a frozen engine answers nobody, and carries out after the thaw what was aborted meanwhile', async () => {
  const { driver, world, clock } = fakeRuntime();
  world.freeze();
  const caller = new AbortController();
  const starting = driver.start(ref('web'), run, call(caller.signal));
  const listing = driver.list('agent', call(caller.signal));
  caller.abort();
  await expect(starting).rejects.toMatchObject({ code: 'aborted', outcome: 'unknown' });
  await expect(listing).rejects.toMatchObject({ code: 'aborted', outcome: 'no' });
  expect(world.starts).toHaveLength(0);
  world.thaw();
  await clock.settle();
  expect(world.live('web')).toHaveLength(1);
});

test('an engine that is down cannot tell; a replaced one says gone under another name', async () => {
  const { driver, world } = fakeRuntime();
  const before = await driver.start(ref('web'), run, call());
  world.isDown = true;
  await expect(driver.inspect({ ref: ref('web'), handle: null }, call())).rejects.toMatchObject({ code: 'engine-down', outcome: 'no' });
  world.isDown = false;
  world.replaceEngine('engine-2');
  expect(await driver.inspect({ ref: ref('web'), handle: null }, call())).toEqual({ is: 'gone', engine: 'engine-2' });
  expect(before.engine).toBe('engine-1');
});

test('a hidden worker is missing from the list though it runs', async () => {
  const { driver, world } = fakeRuntime();
  await driver.start(ref('web'), run, call());
  world.hide('web');
  expect((await driver.list('agent', call())).instances).toEqual([]);
  expect(world.live('web')).toHaveLength(1);
});

test('watch begins with a gap, tells changes in order, and tells nothing while the world is deaf', async () => {
  const { driver, world, clock } = fakeRuntime();
  const stop = new AbortController();
  const hints: Hint[] = [];
  const reading = (async () => {
    for await (const hint of driver.watch('agent', stop.signal)) hints.push(hint);
  })();
  await clock.settle();
  await driver.start(ref('web'), run, call());
  await clock.settle();
  world.isDeaf = true;
  world.kill('web');
  await clock.settle();
  world.isDeaf = false;
  stop.abort();
  await reading;
  expect(hints).toEqual([
    { kind: 'gap', why: 'watch begins' },
    { kind: 'changed', ref: ref('web') },
  ]);
});

test('a stop of a worker that ignores the signal takes its grace; remove of a running one is a conflict', async () => {
  const { driver, clock } = fakeRuntime({ scripts: { web: { stop: 'ignore', lines: ['one', 'two'] } } });
  const { handle } = await driver.start(ref('web'), run, call());
  await expect(driver.remove({ ref: ref('web'), handle }, call())).rejects.toMatchObject({ code: 'conflict', outcome: 'no' });
  const stopping = driver.stop({ ref: ref('web'), handle }, { signal: 'SIGTERM', graceMs: 5_000 }, call());
  await clock.advance(4_999);
  expect((await driver.inspect({ ref: ref('web'), handle }, call())).is).toBe('running');
  await clock.advance(1);
  expect(await stopping).toMatchObject({ is: 'exited', exit: { signal: 'SIGKILL' } });
  const cursors: string[] = [];
  for await (const record of driver.logs({ ref: ref('web'), handle }, { after: '1' }, true, call())) cursors.push(record.cursor);
  expect(cursors).toEqual(['2']);
});
