import { expect, test } from 'vitest';
import type { RunDocument } from '../api/wire.ts';
import { type ScriptedHost, scriptedHost } from '../supervise/fixtures/host.ts';
import type { Supervisor } from '../supervise/index.ts';
import type { Parts } from './parts.ts';
import { awaitRun, cancelRun, run } from './run.ts';

const minute = 60_000;
const long = { exit: { afterMs: 600 * minute, code: 0 } };

function calledOff(host: ScriptedHost, waitMs: number, worker = 'job', run: number | null = null): Promise<RunDocument> {
  return cancelRun({ crew: host.crew() } as Parts, worker, run, waitMs, 'user', new AbortController().signal);
}

/** How often it is told to call a run off. Nothing else would end one that never stops telling it. */
function countCancels(one: Supervisor, most = 50): { count: number } {
  const counted = { count: 0 };
  const send = one.send.bind(one);
  one.send = async (event) => {
    if (event.type === 'cancel') counted.count += 1;
    if (counted.count > most) throw new Error(`it was told to call a run off more than ${most} times`);
    await send(event);
  };
  return counted;
}

async function blindJob(): Promise<{ readonly host: ScriptedHost; readonly one: Supervisor }> {
  const host = await scriptedHost({ job: long });
  await host.declare('job', { kind: 'job' });
  const one = host.crew().get('job')!;
  host.world.isDown = true;
  await one.look();
  expect(one.life).toMatchObject({ phase: 'running', blind: {} });
  return { host, one };
}

const outOfSight = /cannot be seen: .*; it is stopped once its runtime answers/;

test('calling off a run that cannot be seen and is to be stopped in any case ends by its deadline, and says when it is stopped', async () => {
  const { host, one } = await blindJob();
  await one.send({ type: 'hold', by: 'user', cause: 'held' });
  const cancels = countCancels(one);
  expect(await calledOff(host, 50)).toMatchObject({ isOver: false, state: 'unknown', reason: expect.stringMatching(outOfSight) });
  expect(cancels.count).toBe(0);
});

test('a run that cannot be seen is called off once, written down once however often it is asked for, and stopped once its runtime answers', async () => {
  const { host, one } = await blindJob();
  const cancels = countCancels(one);
  expect(await calledOff(host, 50)).toMatchObject({ isOver: false, state: 'unknown', reason: expect.stringMatching(outOfSight) });
  expect(cancels.count).toBe(1);
  const over = calledOff(host, 10_000);
  host.world.isDown = false;
  await host.clock.advance(minute);
  expect(await over).toMatchObject({ isOver: true, state: 'failed', reason: 'failed: this run of it was called off' });
  expect((await host.told('job')).filter((type) => type === 'cancelled')).toHaveLength(1);
});

test('a run of which it is not known whether it was started is called off once that is known, and not said to be before', async () => {
  const host = await scriptedHost({ job: { ...long, startAfterMs: 5000 } });
  await host.declare('job', { kind: 'job' });
  expect(host.crew().get('job')!.life.phase).toBe('starting');
  expect(await calledOff(host, 50)).toMatchObject({ isOver: false, state: 'starting', reason: expect.stringMatching(/^it is not called off yet: starting/) });
  const over = calledOff(host, 10_000);
  await host.clock.advance(minute);
  expect(await over).toMatchObject({ isOver: true, state: 'failed' });
});

test('calling a run off ends by its deadline also where nothing can be written down', async () => {
  const host = await scriptedHost({ job: long });
  await host.declare('job', { kind: 'job' });
  host.faults.full();
  const late = new Promise((resolve) => setTimeout(() => resolve('never'), 2000));
  expect(await Promise.race([calledOff(host, 50), late])).toMatchObject({ isOver: false, reason: 'that it is called off is not written down yet' });
});

/** Its next run is due, and queued: the one of `running` lasts. */
async function queuedTick(): Promise<{ readonly host: ScriptedHost; readonly one: Supervisor; readonly running: string }> {
  const host = await scriptedHost({ tick: [{ exit: { afterMs: 70 * minute, code: 0 } }, long] });
  await host.declare('tick', { schedule: { cron: '0 * * * *', timezone: 'UTC', overlap: 'queue' } });
  const one = host.crew().get('tick')!;
  await one.send({ type: 'run', by: 'user' });
  await host.clock.advance(65 * minute);
  expect(one.life).toMatchObject({ phase: 'running', isQueued: true });
  return { host, one, running: one.life.instance! };
}

/** Of `one`, what comes to pass between the decision to call its run off and the moment in which that is taken. */
function beforeCancel(one: Supervisor, happens: () => Promise<void>): void {
  const send = one.send.bind(one);
  let hasHappened = false;
  one.send = async (event) => {
    if (event.type === 'cancel' && !hasHappened) {
      hasHappened = true;
      await happens();
    }
    await send(event);
  };
}

const ofNext = /^this run of it is over; of the next one: /;

test('calling a run off leaves the next one alone that was queued meanwhile', async () => {
  const { host, one, running } = await queuedTick();
  const over = calledOff(host, 10_000, 'tick');
  await host.clock.advance(minute);
  expect(await over).toMatchObject({ isOver: true, instance: running, exit: { signal: 'SIGTERM' }, reason: expect.stringMatching(ofNext) });
  expect(one.life).toMatchObject({ phase: 'running', want: 'run' });
  expect(one.life.instance).not.toBe(running);
  expect((await host.told('tick')).filter((type) => type === 'cancelled')).toHaveLength(1);
});

test('a run that is called off once it is over, while what it left prints on, leaves the next one alone', async () => {
  const { host, one, running } = await queuedTick();
  const { runs } = one.life;
  await host.clock.advance(10 * minute);
  expect(one.life).toMatchObject({ phase: 'running', runs: runs + 1 });
  expect(await calledOff(host, 50, 'tick', runs)).toMatchObject({
    ...{ run: runs, isOver: true, instance: running, exit: { code: 0 }, stopped: null, reason: expect.stringMatching(ofNext) },
  });
  expect(one.life.phase).toBe('running');
  expect(await host.told('tick')).not.toContain('cancelled');
});

test('a run that ends by itself just before it is called off does not have the next one called off', async () => {
  const { host, one, running } = await queuedTick();
  beforeCancel(one, () => host.clock.advance(10 * minute));
  expect(await calledOff(host, 10_000, 'tick')).toMatchObject({ isOver: true, instance: running, exit: { code: 0 }, reason: expect.stringMatching(ofNext) });
  expect(one.life.phase).toBe('running');
  expect(await host.told('tick')).not.toContain('cancelled');
});

test('where nothing can be written down, a run that ended by itself is not said to be called off', async () => {
  const { host, one, running } = await queuedTick();
  beforeCancel(one, async () => {
    host.faults.full();
    await host.clock.advance(10 * minute);
  });
  expect(await calledOff(host, 100, 'tick')).toMatchObject({ isOver: true, instance: running, reason: expect.stringMatching(ofNext) });
});

test('the start that was there when a run was called off is called off also where it has become an instance meanwhile', async () => {
  const host = await scriptedHost({ db: {}, job: long });
  await host.declare('db');
  await host.declare('job', { kind: 'job', dependsOn: { db: 'healthy' } });
  const one = host.crew().get('job')!;
  expect(one.life.phase).toBe('waiting');
  beforeCancel(one, async () => {
    host.probes[0]!.onVerdict({ health: 'ok', evidence: 'up for 10 s', failures: 0, afterMs: 10_000 });
    await host.clock.advance(minute);
    expect(one.life.phase).toBe('running');
  });
  const over = calledOff(host, 10_000);
  await host.clock.advance(2 * minute);
  expect(await over).toMatchObject({ isOver: true, state: 'failed', instance: one.life.instance, reason: 'failed: this run of it was called off' });
});

test.each([
  ['a start that fails', [{ start: 'fail', startAfterMs: 5000 }, long], 'starting'],
  ['a start that its engine could not carry out', [{ start: 'fail', startAfterMs: 5000, failure: { code: 'engine-down' } }, long], 'starting'],
] as const)('a run goes on after %s: it is not said to be over before it is called off', async (_, scripts, phase) => {
  const host = await scriptedHost({ tick: scripts });
  await host.declare('tick', { schedule: { cron: '0 * * * *', timezone: 'UTC' } });
  await host.clock.advance(60 * minute);
  const one = host.crew().get('tick')!;
  expect(one.life).toMatchObject({ phase, startCause: 'due' });
  const over = calledOff(host, 10_000, 'tick');
  await host.clock.advance(minute);
  expect(await over).toMatchObject({ isOver: true, state: 'failed', reason: 'failed: this run of it was called off' });
  expect((await host.told('tick')).filter((type) => type === 'starting')).toHaveLength(1);
});

test('a run that is stopped to be tried again is called off: no other instance of it begins', async () => {
  const host = await scriptedHost({ job: { ...long, stop: 'ignore' } });
  await host.declare('job', { kind: 'job', health: { file: { path: '/ready' } } });
  const one = host.crew().get('job')!;
  host.probes[0]!.onVerdict({ health: 'bad', evidence: 'no file', failures: 3, afterMs: 1 });
  await host.clock.settle();
  expect(one.life).toMatchObject({ phase: 'stopping', stopCause: 'unhealthy' });
  const over = calledOff(host, 10_000);
  await host.clock.advance(minute);
  expect(await over).toMatchObject({ isOver: true, state: 'failed', reason: 'failed: this run of it was called off' });
  expect(host.world.starts).toHaveLength(1);
});

test('a restart by hand that has ended a run is another run: it is not called off with it', async () => {
  const host = await scriptedHost({ job: long });
  await host.declare('job', { kind: 'job' });
  const one = host.crew().get('job')!;
  const first = one.life.instance;
  await one.send({ type: 'restart', by: 'user', cause: 'restart' });
  const over = calledOff(host, 10_000);
  await host.clock.advance(minute);
  expect(await over).toMatchObject({ isOver: true, instance: first });
  expect(one.life).toMatchObject({ phase: 'running', startCause: 'restart' });
});

const never = new AbortController().signal;
const partsOf = (host: ScriptedHost): Parts => ({ crew: host.crew(), down: host.down() }) as Pick<Parts, 'crew' | 'down'> as Parts;
const next = (host: ScriptedHost, told: RunDocument): Promise<RunDocument> => awaitRun(partsOf(host), told.worker, told.run, told.after, 50, never);

async function begun(host: ScriptedHost, worker: string): Promise<RunDocument> {
  const asked = run(partsOf(host), worker, 5000, 'user', never);
  await host.clock.advance(1000);
  return asked;
}

test.each(['queue', 'replace'])('a run is over when it is, though the next one has begun by then (overlap: %s)', async (overlap) => {
  const host = await scriptedHost({
    tick: [{ exit: { afterMs: 70 * minute, code: 3 } }, { exit: { afterMs: 90 * minute, code: 0 } }],
  });
  await host.declare('tick', { restart: 'never', schedule: { cron: '0 * * * *', timezone: 'UTC', overlap } });
  const told = await begun(host, 'tick');
  expect(told).toMatchObject({ instance: expect.any(String), isOver: false });
  await host.clock.advance(75 * minute);
  const exit = overlap === 'queue' ? { code: 3 } : { signal: 'SIGTERM' };
  const stopped = overlap === 'queue' ? null : 'its next run is due';
  expect(host.crew().get('tick')!.life).toMatchObject({ phase: 'running' });
  expect(await next(host, told)).toMatchObject({ run: told.run, instance: null, isOver: true, exit, stopped, reason: expect.stringMatching(ofNext) });
});

test('each try of a run is told, also to who comes late, and none of the run after it', async () => {
  const host = await scriptedHost({ tick: [1, 2, 0, 0].map((code) => ({ exit: { afterMs: 1000, code } })) });
  await host.declare('tick', { restart: { policy: 'on-failure', backoff: { min: '1s', max: '1s' } }, schedule: { cron: '0 * * * *', timezone: 'UTC' } });
  const first = await begun(host, 'tick');
  await host.clock.advance(10_000);
  const second = await next(host, first);
  expect(second).toMatchObject({ isOver: false, exit: { code: 2 } });
  await host.clock.advance(60 * minute);
  const third = await next(host, second);
  expect(third).toMatchObject({ isOver: true, exit: { code: 0 }, reason: expect.stringMatching(ofNext) });
  expect(new Set([first.instance, second.instance, third.instance, null]).size).toBe(4);
  expect(await next(host, third)).toMatchObject({ instance: null, isOver: true, exit: { code: 0 } });
});

test('each try of a run is told in its order, though the clock is set back between two of them', async () => {
  const host = await scriptedHost({ tick: [1, 2, 0].map((code) => ({ exit: { afterMs: 1000, code } })) });
  await host.declare('tick', { restart: { policy: 'on-failure', backoff: { min: '1s', max: '1s' } }, schedule: { cron: '0 0 1 1 *', timezone: 'UTC' } });
  const first = await begun(host, 'tick');
  await host.clock.advance(10);
  host.clock.jump(-60 * minute);
  await host.clock.advance(minute);
  const second = await next(host, first);
  expect(second).toMatchObject({ isOver: false, exit: { code: 2 } });
  expect(await next(host, second)).toMatchObject({ isOver: true, exit: { code: 0 } });
});

test('a run that takes too long is said to have been stopped for that, however it ends', async () => {
  const host = await scriptedHost({ tick: long });
  await host.declare('tick', { restart: 'never', schedule: { cron: '0 0 1 1 *', timezone: 'UTC', timeout: '5m' } });
  const told = await begun(host, 'tick');
  await host.clock.advance(6 * minute);
  expect(await next(host, told)).toMatchObject({ isOver: true, stopped: 'it ran longer than its schedule allows' });
});

test('of a worker that has become a service while it ran, the run is told with its own end, and that its definition changed', async () => {
  const host = await scriptedHost({ job: long });
  await host.declare('job', { kind: 'job' });
  const { runs, instance } = host.crew().get('job')!.life;
  const over = awaitRun({ crew: host.crew() } as Parts, 'job', runs, instance, 10_000, new AbortController().signal);
  await host.declare('job', { kind: 'service' });
  await host.clock.advance(minute);
  expect(await awaitRun({ crew: host.crew() } as Parts, 'job', runs, instance, 10_000, new AbortController().signal)).toMatchObject({
    ...{ isOver: true, instance: null, after: instance, exit: { signal: 'SIGTERM' }, stopped: 'its definition changed' },
  });
  expect(await over).toMatchObject({ exit: { signal: 'SIGTERM' } });
});
