import type { Json } from '@ostler/sdk';
import { expect, test } from 'vitest';
import { type ScriptedHost, scriptedHost } from './fixtures/host.ts';

const hourMs = 3_600_000;
const quick = { exit: { afterMs: 1000, code: 0 } };
type Scripts = NonNullable<Parameters<typeof scriptedHost>[0]>[string];

/** Due at one o'clock, and at two, when the run of one o'clock runs or waits still. */
async function queued(scripts: Scripts, written: Record<string, Json> = {}): Promise<ScriptedHost> {
  const host = await scriptedHost({ tick: scripts, db: {} });
  await host.declare('db', { health: { tcp: 1 } });
  await host.declare('tick', { schedule: { cron: '0 * * * *', timezone: 'UTC', overlap: 'queue' }, ...written });
  await host.clock.advance(2.1 * hourMs);
  expect(host.crew().get('tick')!.life).toMatchObject({ isQueued: true, runs: 1 });
  return host;
}
async function afterwards(host: ScriptedHost) {
  await host.clock.advance(60_000);
  const { phase, startCause, isQueued, runs } = host.crew().get('tick')!.life;
  return { phase, startCause, isQueued, runs, starts: host.world.starts.filter(({ ref }) => ref.worker === 'tick').length };
}
const waitsForDb = { dependsOn: { db: 'healthy' } };
const dbIsHealthy = (host: ScriptedHost): void => host.probes[0]!.onVerdict({ health: 'ok', evidence: '', failures: 0, afterMs: 1 });

// What becomes of the run that is queued, where the one before it comes to no end of its own.

test('it waits in the place of one that is called off before it has begun', async () => {
  const host = await queued(quick, waitsForDb);
  const tick = host.crew().get('tick')!;
  await tick.send({ type: 'cancel', by: 'user', epoch: tick.life.epoch });
  expect(await afterwards(host)).toEqual({ phase: 'waiting', startCause: 'due', isQueued: false, runs: 2, starts: 0 });
  dbIsHealthy(host);
  expect(await afterwards(host)).toMatchObject({ phase: 'done', runs: 2, starts: 1 });
});

test('it begins when the one before it is given up because its probes failed', async () => {
  const host = await queued([{}, quick], { restart: 'never', health: { file: { path: '/ready' } } });
  host.probes.at(-1)!.onVerdict({ health: 'bad', evidence: 'no file', failures: 3, afterMs: 1 });
  expect(await afterwards(host)).toEqual({ phase: 'done', startCause: 'due', isQueued: false, runs: 2, starts: 2 });
});

test('it begins when the one before it is given up because it could not be started', async () => {
  const host = await queued([{ start: 'fail' }, quick], { restart: 'never', ...waitsForDb });
  dbIsHealthy(host);
  expect(await afterwards(host)).toEqual({ phase: 'done', startCause: 'due', isQueued: false, runs: 2, starts: 1 });
});

test('it takes the place of one that is to be tried again when its worker is edited', async () => {
  const written = { restart: { backoff: { first: '10m' } }, ...waitsForDb };
  const host = await queued([{ start: 'fail' }, quick], written);
  dbIsHealthy(host);
  await host.clock.advance(1000);
  expect(host.crew().get('tick')!.life).toMatchObject({ phase: 'backoff', isQueued: true });
  await host.declare('tick', { schedule: { cron: '0 * * * *', timezone: 'UTC', overlap: 'queue' }, ...written, env: { NEW: '1' } });
  expect(await afterwards(host)).toEqual({ phase: 'done', startCause: 'due', isQueued: false, runs: 2, starts: 1 });
});

test('it is forgotten where its worker becomes a service, which is restarted by the rules of one', async () => {
  const host = await queued([quick, quick, {}], waitsForDb);
  await host.declare('tick', waitsForDb);
  const tick = host.crew().get('tick')!;
  expect(tick.life.isQueued).toBe(false);
  dbIsHealthy(host);
  await host.clock.advance(1500);
  expect(tick.life).toMatchObject({ failures: 1, startCause: 'exited' });
});
