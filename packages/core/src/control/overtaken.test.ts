import { expect, test } from 'vitest';
import type { OutcomeDocument } from '../api/wire.ts';
import { type ScriptedHost, scriptedHost } from '../supervise/fixtures/host.ts';
import { restart, start, stop } from './by-hand.ts';
import type { Parts } from './parts.ts';

// Two people who wish different things of one worker: each is told what came of it.

const asked = (host: ScriptedHost, how: typeof start): Promise<OutcomeDocument> => {
  const parts = {
    ...{
      crew: host.crew(),
      down: host.down(),
      hosting: { runtimes: new Map() },
      policing: { findings: () => [] },
      pending: () => new Set(),
      leftOut: () => null,
    },
    ...{ journal: { query: () => host.journal() }, startedAt: host.clock.isoNow() },
  } as unknown as Parts;
  return how(parts, 'web', 5000, 'user', new AbortController().signal);
};
const stubborn = { web: { stop: 'ignore' } } as const;

test('a stop that a start overtakes waits no longer, and says so', async () => {
  const host = await scriptedHost(stubborn);
  await host.declare('web', { stop: { grace: '10s' } });
  const stopped = asked(host, stop);
  await host.clock.settle();
  await host.crew().get('web')!.send({ type: 'start', by: 'somebody', cause: 'user' });
  expect(await stopped).toMatchObject({ outcome: 'failed', message: 'web was started again before it had stopped' });
});

test.each([
  ['start', start],
  ['restart', restart],
] as const)('a %s that a stop overtakes is not said to be well', async (_, how) => {
  const host = await scriptedHost();
  await host.declare('web');
  const started = asked(host, how);
  await host.clock.settle();
  await host.crew().get('web')!.send({ type: 'hold', by: 'somebody', cause: 'held' });
  await host.clock.advance(1000);
  expect(await started).toMatchObject({ outcome: 'failed', message: 'web is stopped: stopped by somebody' });
});

test('a start that ends with a stop for what the probes said is not said to be well', async () => {
  const host = await scriptedHost();
  await host.declare('web', { health: { onUnhealthy: 'stop' } });
  const started = asked(host, start);
  await host.clock.settle();
  host.probes[0]!.onVerdict({ health: 'bad', evidence: 'GET / answered 503', failures: 3, afterMs: null });
  await host.clock.advance(1000);
  expect(await started).toMatchObject({ outcome: 'failed', message: expect.stringContaining('web is stopped: stopped by health') });
});
