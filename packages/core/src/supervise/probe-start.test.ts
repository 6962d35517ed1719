import { describe, expect, test } from 'vitest';
import { type ScriptedHost, scriptedHost } from './fixtures/host.ts';
import { probing, stateAt } from './fixtures/probing.ts';

const hour = 3_600_000;

/** Taken over by the next agent, which takes its start for one that is still to come. */
async function adoptedFromTheFuture(health: Record<string, string | object>): Promise<ScriptedHost> {
  const host = await scriptedHost();
  await host.declare('web', { health: health as never });
  await host.clock.advance(500);
  host.die();
  host.clock.jump(-hour);
  await host.boot();
  await host.clock.settle();
  expect(host.probes[0]!.startedMs).toBeGreaterThan(host.clock.nowMs());
  return host;
}

describe('a start in the future, by a clock that was set back or an engine whose clock is ahead, is taken for now', () => {
  test('what has no probes is healthy once it was up for long enough', async () => {
    const host = await adoptedFromTheFuture({ minUp: '10s' });
    const prober = probing(host);
    expect(await stateAt(host, 9000)).toBe('running');
    expect(await stateAt(host, 1500)).toBe('healthy');
    prober.close();
  });

  test('probes that fail count at once where there is no start period, and once it is over where there is one', async () => {
    for (const [startPeriod, tillBadMs] of [
      ['0s', 25_000],
      ['60s', 85_000],
    ] as const) {
      const host = await adoptedFromTheFuture({ notify: {}, interval: '10s', startInterval: '10s', onUnhealthy: 'report', startPeriod });
      const prober = probing(host);
      expect(await stateAt(host, tillBadMs - 10_000), startPeriod).toBe('running');
      expect(await stateAt(host, 15_000), startPeriod).toBe('unhealthy');
      prober.close();
    }
  });
});

test('a clock that is set while it runs makes an instance neither older nor younger for the next watch of it', async () => {
  const host = await scriptedHost();
  await host.declare('web');
  const prober = probing(host);
  const [watch] = host.probes;
  const startedAtMs = prober.startedAtMs(watch!, watch!.startedMs);
  for (const ms of [24 * hour, -48 * hour]) {
    host.clock.jump(ms);
    await host.clock.advance(5000);
    expect(prober.startedAtMs(watch!, watch!.startedMs)).toBe(startedAtMs);
  }
  // Started anew under its old name, or another one.
  const nowMs = host.clock.monotonicMs();
  expect(prober.startedAtMs(watch!, host.clock.nowMs() - 100)).toBe(nowMs - 100);
  expect(prober.startedAtMs({ ...watch!, instance: 'i9' }, host.clock.nowMs() - 50)).toBe(nowMs - 50);
  prober.close();
});
