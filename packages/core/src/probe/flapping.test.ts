import { describe, expect, it } from 'vitest';
import { StuckCalls } from '../base/stuck-calls.ts';
import type { HealthRule } from '../spec/index.ts';
import { type ManualClock, manualClock } from './fixtures/manual-clock.ts';
import type { Verdict } from './health-watch.ts';
import { Prober } from './prober.ts';

const rule: HealthRule = {
  ...{
    probes: [{ kind: 'exec', options: { command: ['check'] } }],
    image: false,
    intervalMs: 10_000,
    timeoutMs: 1000,
    startPeriodMs: 0,
    startIntervalMs: 1000,
  },
  ...{ retries: 1, successes: 1, onUnhealthy: 'report', minUpMs: 10_000 },
};

/** A watch whose rounds answer what `isGood` says at that time. */
function watched(clock: ManualClock, isGood: (atMs: number) => boolean, given: Partial<HealthRule> = {}): readonly Verdict[] {
  const verdicts: Verdict[] = [];
  const prober = new Prober({
    ...{ clock, stuck: new StuckCalls(), inPlugin: (_, run) => run(), probes: new Map(), wasAwakeSince: () => true },
  });
  prober.watch({
    ...{ worker: 'web', instance: 'i1', rule: { ...rule, ...given }, startedAtMs: 0, endpoints: [], notified: null, logs: null, opinion: null },
    exec: async () => ({ code: isGood(clock.monotonicMs()) ? 0 : 1, output: '' }),
    onVerdict: (verdict) => verdicts.push(verdict),
  });
  return verdicts;
}
const minuteMs = 60_000;

describe('a worker whose health flips', () => {
  it('is told once as flapping, however often it flips after that', async () => {
    const clock = manualClock();
    const verdicts = watched(clock, (ms) => Math.floor(ms / 10_000) % 2 === 0);
    await clock.advance(24 * 60 * minuteMs);
    expect(verdicts.map(({ health }) => health)).toEqual(['ok', 'bad', 'ok', 'bad', 'ok', 'bad', 'ok', 'bad']);
    expect(verdicts.at(-1)?.evidence).toBe('flapping, unhealthy 4 times within 60 s: `check` exited with 1');
    expect(verdicts.filter(({ evidence }) => evidence.includes('flapping'))).toHaveLength(1);
  });

  it('is told ok again when it was ok for two minutes, and flips as any other after that', async () => {
    const clock = manualClock();
    const verdicts = watched(clock, (ms) => (ms > 5 * minuteMs && ms < 20 * minuteMs) || Math.floor(ms / 10_000) % 2 === 0);
    await clock.advance(5 * minuteMs + 115_000);
    expect(verdicts.at(-1)?.health).toBe('bad');
    await clock.advance(15_000);
    expect(verdicts.at(-1)).toMatchObject({ health: 'ok', evidence: 'flaps no more, good for 120 s: `check` exited with 0' });
    const before = verdicts.length;
    await clock.advance(20 * minuteMs - clock.monotonicMs() + 25_000);
    expect(verdicts.slice(before).map(({ health, evidence }) => [health, evidence])).toEqual([
      ['bad', '`check` exited with 1'],
      ['ok', '`check` exited with 0'],
    ]);
  });

  it('is not flapping when it flips seldom', async () => {
    const clock = manualClock();
    const verdicts = watched(clock, (ms) => Math.floor(ms / 10_000) % 30 !== 1);
    await clock.advance(60 * minuteMs);
    expect(verdicts.length).toBeGreaterThan(20);
    expect(verdicts.filter(({ evidence }) => evidence.includes('flapping'))).toEqual([]);
  });

  it('must be good for three rounds when it is asked seldom', async () => {
    const clock = manualClock();
    const verdicts = watched(clock, (ms) => ms > 7 * minuteMs || Math.floor(ms / minuteMs) % 2 === 0, { intervalMs: minuteMs, startIntervalMs: minuteMs });
    await clock.advance(7 * minuteMs + 1000);
    expect(verdicts.at(-1)?.evidence).toMatch(/^flapping/);
    await clock.advance(3 * minuteMs);
    expect(verdicts.at(-1)?.health).toBe('bad');
    await clock.advance(minuteMs);
    expect(verdicts.at(-1)).toMatchObject({ health: 'ok', evidence: expect.stringMatching(/good for 180 s/) });
  });
});
