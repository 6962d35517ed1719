import { expect, test } from 'vitest';
import type { EngineWatch } from './engine/index.ts';
import { Runtime } from './runtimes.ts';
import { scriptedHost } from './supervise/fixtures/host.ts';

test('a turn of the health that no event told is seen in the next list, and nothing is looked at that has not turned', async () => {
  const host = await scriptedHost({ web: { health: 'healthy' }, other: { health: 'healthy' } });
  for (const worker of ['web', 'other']) await host.declare(worker, { health: { image: true } });
  const up = { state: 'up', since: host.clock.isoNow(), reason: null, facts: null, isMissing: false } as const;
  const engine: EngineWatch = { state: () => up, ready: async () => {}, suspect() {}, close() {} };
  const hosted = { name: 'fake', class: 'container', pluginId: 'ostler-runtime-fake', driver: host.driver() } as const;
  const runtime = new Runtime(hosted, host.crew(), engine);
  await runtime.begin({ getConfig: () => null, key: new Uint8Array(32) }, false);
  await host.clock.settle();
  host.world.isDeaf = true;
  const looks = () => host.world.calls.filter(({ method }) => method === 'inspect').map(({ worker }) => worker);
  const before = looks().length;
  const opinion = () => host.probes.find(({ worker }) => worker === 'web')?.opinion;
  await host.clock.advance(31_000);
  expect(looks()).toHaveLength(before);
  host.world.turn(host.world.live('web')[0]!, 'unhealthy', { failures: 3, code: 1, output: 'no disk\n' });
  await host.clock.advance(31_000);
  expect(looks().slice(before)).toEqual(['web']);
  expect(opinion()?.answer).toEqual({ ok: false, evidence: 'the check of its image exited with 1: no disk' });
  runtime.close();
});
