import { expect, test } from 'vitest';
import type { RunDocument } from '../api/wire.ts';
import { type ScriptedHost, scriptedHost } from '../supervise/fixtures/host.ts';
import type { Supervisor } from '../supervise/index.ts';
import type { Parts } from './parts.ts';
import { cancelRun } from './run.ts';

const minute = 60_000;
const long = { exit: { afterMs: 600 * minute, code: 0 } };

function calledOff(host: ScriptedHost, waitMs: number, worker = 'job'): Promise<RunDocument> {
  return cancelRun({ crew: host.crew() } as Parts, worker, waitMs, 'user', new AbortController().signal);
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
