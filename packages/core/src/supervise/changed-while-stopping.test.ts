import { expect, test } from 'vitest';
import { type ScriptedHost, scriptedHost } from './fixtures/host.ts';

// A worker is being stopped for what it did, and its definition changes meanwhile: the new one has done nothing yet.

const slow = { stop: { grace: '5s' } };
const stopping = async (host: ScriptedHost, written: object): Promise<void> => {
  await host.clock.settle();
  expect(host.crew().get('web')!.life.phase).toBe('stopping');
  await host.declare('web', { ...written, env: { NEW: '1' } });
  await host.clock.advance(60_000);
};

test('a job whose run is called off is run as it is defined now', async () => {
  const host = await scriptedHost({ web: [{ stop: 'ignore' }, { exit: { afterMs: 1000, code: 0 } }] });
  const written = { ...slow, kind: 'job' };
  await host.declare('web', written);
  const job = host.crew().get('web')!;
  void job.send({ type: 'cancel', by: 'user', epoch: job.life.epoch });
  await stopping(host, written);
  expect([job.life.phase, job.life.startCause, host.world.starts.length]).toEqual(['done', 'changed', 2]);
});

test('a service that is not to be restarted, and whose probes failed, is started as it is defined now', async () => {
  const host = await scriptedHost({ web: [{ stop: 'ignore' }, {}] });
  const written = { ...slow, restart: 'never', health: { tcp: 1, onUnhealthy: 'restart' }, ports: [1] };
  await host.declare('web', written);
  host.probes[0]!.onVerdict({ health: 'bad', evidence: 'no answer', failures: 3, afterMs: null });
  await stopping(host, written);
  const { phase, startCause, failures } = host.crew().get('web')!.life;
  expect([phase, startCause, failures, host.world.starts.length]).toEqual(['running', 'changed', 0, 2]);
});

test('a worker with a schedule whose run is called off waits until it is due', async () => {
  const host = await scriptedHost({ web: [{ stop: 'ignore' }, {}] });
  const written = { ...slow, schedule: { cron: '0 * * * *', timezone: 'UTC' } };
  await host.declare('web', written);
  const web = host.crew().get('web')!;
  await web.send({ type: 'run', by: 'user' });
  await host.clock.settle();
  void web.send({ type: 'cancel', by: 'user', epoch: web.life.epoch });
  await stopping(host, written);
  expect([web.life.phase, host.world.starts.length]).toEqual(['failed', 1]);
});
