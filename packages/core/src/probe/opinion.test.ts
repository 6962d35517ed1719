import { describe, expect, it } from 'vitest';
import { StuckCalls } from '../base/stuck-calls.ts';
import type { HealthRule } from '../spec/index.ts';
import { manualClock } from './fixtures/manual-clock.ts';
import type { Verdict, WatchGiven } from './health-watch.ts';
import { Opinion } from './opinion.ts';
import { Prober } from './prober.ts';

const rule: HealthRule = {
  ...{ probes: [], image: true, intervalMs: 10_000, timeoutMs: 1000, startPeriodMs: 0, startIntervalMs: 1000 },
  ...{ retries: 3, successes: 1, onUnhealthy: 'restart', minUpMs: 10_000 },
};
const check = { probes: [{ kind: 'exec', options: { command: ['check'] } }] };
const failed = { failures: 2, code: 3, output: 'first line\nno disk\n' };

function watched(first: 'starting' | 'healthy' | 'unhealthy', more: Partial<WatchGiven> = {}) {
  const clock = manualClock();
  const prober = new Prober({ clock, stuck: new StuckCalls(), inPlugin: (_, run) => run(), probes: new Map(), wasAwakeSince: () => true });
  const verdicts: Verdict[] = [];
  const opinion = new Opinion(first, undefined);
  const asked: number[] = [];
  const stop = prober.watch({
    ...{ worker: 'web', instance: 'i1', rule, startedAtMs: 0, endpoints: [], notified: null, logs: null, opinion },
    exec: async () => {
      asked.push(clock.monotonicMs());
      return { code: 0, output: '' };
    },
    onVerdict: (verdict) => verdicts.push(verdict),
    ...more,
  });
  return { clock, opinion, verdicts, asked, stop, told: () => verdicts.map(({ health }) => health) };
}

describe('what an engine says of the health', () => {
  it('is the verdict at once, with no round of ours, however long the worker is up', async () => {
    const { clock, opinion, verdicts } = watched('starting');
    await clock.advance(60_000);
    expect(verdicts).toEqual([]);
    opinion.tell('healthy', undefined);
    await clock.advance(1);
    expect(verdicts).toEqual([{ health: 'ok', evidence: 'the check of its image is good', failures: 0, afterMs: 60_000 }]);
    opinion.tell('unhealthy', failed);
    await clock.advance(1);
    expect(verdicts[1]).toMatchObject({ health: 'bad', evidence: 'the check of its image exited with 3: no disk', failures: 2 });
    // As after a restart of the engine: it has yet to ask again.
    opinion.tell('starting', undefined);
    await clock.advance(60_000);
    expect(verdicts).toHaveLength(2);
  });

  it('is told first in any case of what was adopted', async () => {
    for (const [health, known] of [
      ['unhealthy', 'bad'],
      ['healthy', 'ok'],
      ['unhealthy', 'ok'],
    ] as const) {
      const { clock, told } = watched(health, { initialHealth: known });
      await clock.advance(1);
      expect(told()).toEqual([health === 'healthy' ? 'ok' : 'bad']);
    }
  });

  it('is heard no more after the end of the watch', async () => {
    const { clock, opinion, verdicts, stop } = watched('starting');
    stop();
    opinion.tell('healthy', undefined);
    await clock.advance(1000);
    expect(verdicts).toEqual([]);
  });

  it('counts beside the probes: all must be good, and its bad one is bad at once', async () => {
    const { clock, opinion, told, verdicts } = watched('starting', { rule: { ...rule, ...check } });
    await clock.advance(5000);
    expect(told()).toEqual([]);
    opinion.tell('healthy', undefined);
    await clock.advance(1);
    expect(verdicts).toMatchObject([{ health: 'ok', evidence: '`check` exited with 0; the check of its image is good' }]);
    opinion.tell('unhealthy', failed);
    await clock.advance(1);
    expect(verdicts[1]).toMatchObject({ health: 'bad', evidence: 'the check of its image exited with 3: no disk', failures: 2 });
  });

  it('that turns again and again is told once as flapping, and that it has come to rest without a further turn', async () => {
    const { clock, opinion, told, verdicts } = watched('healthy');
    await clock.advance(1);
    for (let n = 0; n < 5; n++)
      for (const turn of ['unhealthy', 'healthy'] as const) {
        opinion.tell(turn, failed);
        await clock.advance(1000);
      }
    expect(told()).toEqual(['ok', 'bad', 'ok', 'bad', 'ok', 'bad', 'ok', 'bad']);
    await clock.advance(150_000);
    expect(verdicts.at(-1)).toMatchObject({ health: 'ok', evidence: expect.stringMatching(/^flaps no more/) });
  });
});
