import { describe, expect, test } from 'vitest';
import { scriptedHost } from './fixtures/host.ts';
import { delayMs } from './restart.ts';
import { stateOf } from './state.ts';

const crash = { exit: { afterMs: 10, code: 3 } };
const times = (count: number, script: object) => Array.from({ length: count }, () => script);

describe('a worker that crashes again and again', () => {
  test('is told to be crash-looping once, and once that it is stable again', async () => {
    const host = await scriptedHost({ web: [...times(8, crash), {}] });
    await host.declare('web');
    await host.clock.advance(15_000);
    expect(stateOf(host.crew().get('web')!.life)).toBe('crash-looping');
    await host.clock.advance(15 * 60_000);
    const told = (await host.journal()).filter(({ type }) => ['worker.crash-looping', 'worker.steady', 'worker.failed'].includes(type));
    expect(told.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^Crash-looping: 5 failures within 7 s; next try at 2030-01-01T00:00:15/),
      'Stable again after 10 min: 8 failures in a row came before.',
    ]);
    expect(host.crew().get('web')!.life).toMatchObject({ phase: 'running', failures: 0 });
  });
  test('is told again when it begins to crash anew after that, and starts at once then', async () => {
    const host = await scriptedHost({ web: [...times(6, crash), { exit: { afterMs: 11 * 60_000, code: 1 } }, crash] });
    await host.declare('web');
    await host.clock.advance(60 * 60_000);
    const told = (await host.told('web')).filter((type) => ['crash-looping', 'steady'].includes(type));
    expect(told).toEqual(['crash-looping', 'steady', 'crash-looping']);
    const [, later] = [host.world.starts[6]!, host.world.starts[7]!];
    expect(later.atMs - host.world.starts[6]!.atMs).toBe(11 * 60_000);
  });
  test('is not told again by the next agent, which tells that it is stable', async () => {
    const host = await scriptedHost({ web: [...times(6, crash), {}] });
    await host.declare('web');
    await host.clock.advance(14_000);
    host.die();
    await host.boot();
    await host.clock.advance(15 * 60_000);
    expect((await host.told('web')).filter((type) => ['crash-looping', 'steady'].includes(type))).toEqual(['crash-looping', 'steady']);
  });
  test('never fails for good without `giveUp`, and with it after that many restarts', async () => {
    const host = await scriptedHost({ web: crash, limited: crash, once: crash });
    await host.declare('web');
    await host.declare('limited', { restart: { giveUp: 6 } });
    await host.declare('once', { restart: { giveUp: 1 } });
    await host.clock.advance(24 * 60 * 60_000);
    expect(stateOf(host.crew().get('web')!.life)).toBe('crash-looping');
    expect(host.world.starts.filter(({ ref }) => ref.worker === 'web').length).toBeGreaterThan(1000);
    expect(host.world.starts.filter(({ ref }) => ref.worker === 'limited')).toHaveLength(7);
    expect(host.crew().get('limited')!.life.reason).toBe('failed: it exited with code 3, and its 6 restarts are used up');
    expect(host.crew().get('once')!.life.reason).toBe('failed: it exited with code 3, and its one restart is used up');
  });
  test('waits longer each time, never at the same moment as its neighbour that failed with it', () => {
    const backoff = { firstMs: 0, minMs: 1000, maxMs: 60_000, factor: 2, jitter: 0.2 };
    const rule = { policy: 'always', backoff, resetAfterMs: 1, giveUp: null, successCodes: [0], memoryAboveBytes: null, maxAgeMs: null, at: null } as const;
    const delays = Array.from({ length: 1000 }, (_, index) => delayMs(rule, 9, index / 1000));
    expect(new Set(delays).size).toBe(1000);
    expect([Math.min(...delays), Math.max(...delays)]).toEqual([48_000, 71_976]);
  });
});

test('a job that fails after a long time each time is given up as well', async () => {
  const host = await scriptedHost({ long: { exit: { afterMs: 20 * 60_000, code: 1 } } });
  await host.declare('long', { kind: 'job' });
  await host.clock.advance(5 * 60 * 60_000);
  expect(host.world.starts).toHaveLength(4);
  expect(host.crew().get('long')!.life.reason).toBe('failed: it exited with code 1, and its 3 restarts are used up');
});

test('one failure a day is no crash loop, whatever ends it', async () => {
  const host = await scriptedHost();
  await host.declare('web');
  for (let day = 0; day < 7; day += 1) {
    await host.clock.advance(24 * 60 * 60_000);
    host.probes[0]!.onVerdict({ health: 'bad', evidence: 'no answer', failures: 3, afterMs: null });
    await host.clock.advance(2000);
    expect(host.crew().get('web')!.life).toMatchObject({ phase: 'running', failures: 1 });
  }
  expect(await host.told('web')).not.toContain('crash-looping');
});
