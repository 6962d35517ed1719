import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { StuckCalls } from '../base/stuck-calls.ts';
import type { HealthRule } from '../spec/index.ts';
import { listening } from './fixtures/asking.ts';
import { type ManualClock, manualClock } from './fixtures/manual-clock.ts';
import type { Verdict, WatchGiven } from './health-watch.ts';
import type { ExecInWorker } from './prepared.ts';
import { Prober, type ProberGiven } from './prober.ts';

const rule = (given: Partial<HealthRule> = {}): HealthRule => ({
  ...{
    probes: [{ kind: 'exec', options: { command: ['check'] } }],
    image: false,
    intervalMs: 10_000,
    timeoutMs: 1000,
    startPeriodMs: 0,
    startIntervalMs: 1000,
  },
  ...{ retries: 2, successes: 1, onUnhealthy: 'restart', minUpMs: 10_000 },
  ...given,
});

function host(given: Partial<ProberGiven> & { readonly clock: ManualClock }) {
  const prober = new Prober({
    ...{ stuck: new StuckCalls(), inPlugin: (_, run) => run(), probes: new Map(), wasAwakeSince: () => true },
    ...given,
  });
  /** `code()` is what each round of `check` exits with. */
  const watch = (code: () => number, more: Partial<WatchGiven> = {}) => {
    const verdicts: Verdict[] = [];
    const askedAtMs: number[] = [];
    const exec: ExecInWorker = async () => {
      askedAtMs.push(given.clock.monotonicMs());
      return { code: code(), output: '' };
    };
    const stop = prober.watch({
      ...{
        worker: 'web',
        instance: 'i1',
        rule: rule(),
        startedAtMs: 0,
        endpoints: [],
        exec,
        notified: null,
        logs: null,
        opinion: null,
        onVerdict: (verdict) => verdicts.push(verdict),
      },
      ...more,
    });
    return { verdicts, askedAtMs, stop, told: () => verdicts.map(({ health }) => health) };
  };
  return { prober, watch };
}

describe('a watch', () => {
  it('asks at the start interval until it is ok, on the beat of its interval after that', async () => {
    const clock = manualClock();
    let code = 1;
    const { watch } = host({ clock });
    const web = watch(() => code, { rule: rule({ startPeriodMs: 60_000 }) });
    await clock.advance(1500);
    expect(web.askedAtMs).toEqual([0, 1000]);
    code = 0;
    await clock.advance(25_000);
    expect(web.askedAtMs).toEqual([0, 1000, 2000, 10_000, 20_000]);
    expect(web.verdicts).toEqual([{ health: 'ok', evidence: '`check` exited with 0', failures: 0, afterMs: 2000 }]);
  });

  it('tells bad once after the retries, goes on asking, and tells ok again', async () => {
    const clock = manualClock();
    let code = 0;
    const { watch } = host({ clock });
    const web = watch(() => code);
    await clock.advance(1000);
    code = 3;
    await clock.advance(60_000);
    expect(web.told()).toEqual(['ok', 'bad']);
    expect(web.verdicts[1]).toEqual({ health: 'bad', evidence: '`check` exited with 3', failures: 2, afterMs: 20_000 });
    code = 0;
    await clock.advance(10_000);
    expect(web.told()).toEqual(['ok', 'bad', 'ok']);
    expect(web.verdicts[2]).toMatchObject({ failures: 0, afterMs: 50_000 });
  });

  it('asks all probes of a rule, and all must be good', async () => {
    const clock = manualClock();
    const codes: Record<string, number> = { a: 0, b: 4, c: 5 };
    const { watch } = host({ clock });
    const probes = Object.keys(codes).map((name) => ({ kind: 'exec', options: { command: [name] } }));
    const exec: ExecInWorker = async ([name]) => ({ code: codes[name!]!, output: '' });
    const web = watch(() => 0, { exec, rule: rule({ probes, retries: 1 }) });
    await clock.advance(500);
    expect(web.verdicts).toMatchObject([{ health: 'bad', evidence: '`b` exited with 4; `c` exited with 5' }]);
    Object.assign(codes, { b: 0, c: 0 });
    await clock.advance(1000);
    expect(web.verdicts[1]).toMatchObject({ health: 'ok', evidence: '`a` exited with 0; `b` exited with 0; `c` exited with 0' });
  });

  it('never has two rounds at once', async () => {
    const clock = manualClock();
    let running = 0;
    let most = 0;
    const exec: ExecInWorker = async () => {
      most = Math.max(most, ++running);
      await clock.sleep(3000);
      running--;
      return { code: 0, output: '' };
    };
    const { watch } = host({ clock });
    const web = watch(() => 0, { exec, rule: rule({ intervalMs: 100, startIntervalMs: 100, timeoutMs: 5000 }) });
    await clock.advance(20_000);
    expect(most).toBe(1);
    expect(web.told()).toEqual(['ok']);
  });

  it('does not count a round in which the agent itself was held up', async () => {
    const clock = manualClock();
    let isAwake = false;
    const sinceMs: number[] = [];
    const wasAwakeSince = (ms: number): boolean => {
      sinceMs.push(ms);
      return isAwake;
    };
    const { watch } = host({ clock, wasAwakeSince });
    const web = watch(() => 1, { initialHealth: 'ok' });
    await clock.advance(61_000);
    expect(web.told()).toEqual([]);
    expect(sinceMs).toEqual(web.askedAtMs);
    isAwake = true;
    await clock.advance(20_000);
    expect(web.told()).toEqual(['bad']);
  });

  it('without probes is ok after `minUp`, once', async () => {
    const clock = manualClock();
    const { watch } = host({ clock });
    await clock.advance(4000);
    const web = watch(() => 0, { rule: rule({ probes: [] }), startedAtMs: 2000 });
    await clock.advance(7999);
    expect(web.told()).toEqual([]);
    await clock.advance(1);
    expect(web.verdicts).toEqual([{ health: 'ok', evidence: 'up for 10 s', failures: 0, afterMs: 10_000 }]);
    expect(clock.pending()).toBe(0);
  });

  it('asks no more when who hears the verdict ends it there and then', async () => {
    const clock = manualClock();
    const { watch } = host({ clock });
    const web = watch(() => 0, { onVerdict: () => web.stop() });
    await clock.advance(60_000);
    expect(web.askedAtMs).toHaveLength(1);
    expect(clock.pending()).toBe(0);
  });
});

describe('a watch of an adopted instance', () => {
  const adopted = (initialHealth: 'ok' | 'bad' | null) => ({ initialHealth, startedAtMs: -1_000_000 });

  it('tells its first verdict though nothing has changed, and asks at the interval when it was ok', async () => {
    const clock = manualClock();
    const { watch } = host({ clock });
    const web = watch(() => 0, adopted('ok'));
    const bad = watch(() => 1, adopted('bad'));
    await clock.advance(30_000);
    expect(web.askedAtMs).toEqual([0, 10_000, 20_000, 30_000]);
    expect(web.verdicts).toEqual([{ health: 'ok', evidence: '`check` exited with 0', failures: 0, afterMs: null }]);
    expect(bad.verdicts).toEqual([{ health: 'bad', evidence: '`check` exited with 1', failures: 2, afterMs: null }]);
  });

  it('has no start period again', async () => {
    const clock = manualClock();
    const { watch } = host({ clock });
    const long = rule({ startPeriodMs: 500_000 });
    const known = watch(() => 1, { ...adopted('ok'), rule: long });
    const unknown = watch(() => 1, { ...adopted(null), rule: long });
    await clock.advance(30_000);
    expect([known.told(), unknown.told()]).toEqual([['bad'], ['bad']]);
  });

  it('without probes is told ok at once', async () => {
    const clock = manualClock();
    const { watch } = host({ clock });
    const web = watch(() => 0, { ...adopted('ok'), rule: rule({ probes: [], successes: 3 }) });
    expect(web.told()).toEqual([]);
    await clock.advance(0);
    expect(web.verdicts).toMatchObject([{ health: 'ok', afterMs: null }]);
  });
});

describe('the end of a watch', () => {
  it('lets no verdict through that was on its way', async () => {
    const clock = manualClock();
    let answer = (_: { code: number; output: string }): void => {};
    let signal: AbortSignal | undefined;
    const exec: ExecInWorker = (_, call) => {
      signal = call.signal;
      return new Promise((resolve) => {
        answer = resolve;
      });
    };
    const { watch } = host({ clock });
    const web = watch(() => 0, { exec });
    await clock.advance(200);
    web.stop();
    expect(signal?.aborted).toBe(true);
    answer({ code: 0, output: '' });
    await clock.advance(60_000);
    expect(web.told()).toEqual([]);
    expect(clock.pending()).toBe(0);
  });

  it('is the end of all with the prober', async () => {
    const clock = manualClock();
    const { prober, watch } = host({ clock });
    const all = [watch(() => 0), watch(() => 0, { rule: rule({ probes: [] }) })];
    prober.close();
    await clock.advance(60_000);
    expect(all.map(({ told }) => told())).toEqual([[], []]);
    expect(clock.pending()).toBe(0);
  });
});

describe('the rounds of a host', () => {
  it('are spread over the interval, though all began together, and stay so', async () => {
    const clock = manualClock();
    const { watch } = host({ clock });
    const all = Array.from({ length: 200 }, () => watch(() => 0, { rule: rule({ intervalMs: 5000 }) }));
    await clock.advance(60_000);
    const askedAtMs = all.flatMap((one) => one.askedAtMs).filter((atMs) => atMs >= 10_000 && atMs < 60_000);
    expect(askedAtMs).toHaveLength(2000);
    const within = (fromMs: number) => askedAtMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + 100).length;
    expect(Math.max(...askedAtMs.map(within))).toBeLessThanOrEqual(8);
  });

  it('come one after another where the agent was held up as they were due', async () => {
    const clock = manualClock();
    const { watch } = host({ clock });
    const all = Array.from({ length: 200 }, () => watch(() => 0, { rule: rule({ intervalMs: 5000 }) }));
    await clock.advance(20_000);
    clock.stall(1000);
    await clock.advance(20_000);
    const askedAtMs = all.flatMap((one) => one.askedAtMs).filter((atMs) => atMs >= 15_000);
    const within = (fromMs: number) => askedAtMs.filter((atMs) => atMs >= fromMs && atMs < fromMs + 100).length;
    expect(Math.max(...askedAtMs.map(within))).toBeLessThanOrEqual(12);
    expect(all.filter((one) => one.askedAtMs.filter((atMs) => atMs >= 20_000).length < 4)).toEqual([]);
  });

  it('come no more often than the interval but once, and never later than one and a half', async () => {
    const clock = manualClock();
    const { watch } = host({ clock });
    const all = Array.from({ length: 50 }, () => watch(() => 0));
    await clock.advance(60_000);
    for (const { askedAtMs } of all) {
      const [first, ...later] = askedAtMs.slice(1).map((atMs, index) => atMs - askedAtMs[index]!);
      expect(first).toBeGreaterThanOrEqual(5000);
      expect(first).toBeLessThanOrEqual(15_040);
      expect(later).toEqual(later.map(() => 10_000));
    }
  });

  it('are no more at once than allowed; the others come in the order in which they were due', async () => {
    const clock = manualClock();
    let running = 0;
    let most = 0;
    const began: string[] = [];
    const { watch } = host({ clock, maxInFlight: 2 });
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const all = names.map((name) => {
      const exec: ExecInWorker = async () => {
        began.push(name);
        most = Math.max(most, ++running);
        await clock.sleep(400);
        running--;
        return { code: 0, output: '' };
      };
      return watch(() => 0, { worker: name, exec, rule: rule({ intervalMs: 1000 }) });
    });
    await clock.advance(20_000);
    expect(most).toBe(2);
    // Due after one another while they start, the first at once.
    expect(began.slice(0, 6)).toEqual(['a', 'f', 'c', 'e', 'b', 'd']);
    expect([...new Set(began.slice(6, 12))].sort()).toEqual(names);
    expect(all.map(({ told }) => told())).toEqual(names.map(() => ['ok']));
  });

  it('lose the turn of a watch that has ended, and that one alone', async () => {
    const clock = manualClock();
    const began: string[] = [];
    const { watch } = host({ clock, maxInFlight: 1 });
    const [, b] = ['a', 'b', 'c'].map((name) => {
      const exec: ExecInWorker = async () => {
        began.push(name);
        await clock.sleep(500);
        return { code: 0, output: '' };
      };
      return watch(() => 0, { worker: name, exec });
    });
    await clock.advance(200);
    b!.stop();
    await clock.advance(2000);
    expect(began).toEqual(['a', 'c']);
  });

  it('do not run a command again that a former watch of the same instance began and that still runs', async () => {
    const clock = manualClock();
    const { watch } = host({ clock });
    const ends: (() => void)[] = [];
    const exec: ExecInWorker = () => new Promise((resolve) => ends.push(() => resolve({ code: 0, output: '' })));
    const given = { exec, rule: rule({ retries: 1 }) };
    const first = watch(() => 0, given);
    await clock.advance(500);
    first.stop();
    const second = watch(() => 0, given);
    await clock.advance(20_000);
    expect([ends.length, second.verdicts[0]]).toMatchObject([1, { health: 'bad', evidence: '`check`: the last one still runs' }]);
    ends[0]!();
    await clock.advance(10_000);
    expect(ends).toHaveLength(2);
    watch(() => 0, { ...given, instance: 'i2' });
    await clock.advance(500);
    expect(ends).toHaveLength(3);
  });

  it('give their place back when what they asked never ends', async () => {
    const clock = manualClock();
    const stuck = new StuckCalls();
    const { watch } = host({ clock, stuck, maxInFlight: 1 });
    const hung = watch(() => 0, { worker: 'hung', exec: () => new Promise(() => {}), initialHealth: 'ok' });
    const web = watch(() => 0, { initialHealth: 'ok' });
    await clock.advance(20_000);
    expect(web.told()).toEqual(['ok']);
    expect(hung.verdicts).toMatchObject([{ health: 'bad', evidence: '`check`: the last one still runs', failures: 2 }]);
    expect(stuck.list()).toHaveLength(1);
  });
});

it('a real worker is found ok when it listens, bad when it is gone, ok when it is back', async () => {
  const verdicts: Verdict[] = [];
  const told = (health: string, n: number) => vi.waitUntil(() => verdicts.length === n && verdicts[n - 1]?.health === health, { timeout: 10_000 });
  let server = await listening(() => {});
  const { port } = server;
  const prober = new Prober({
    ...{ clock: systemClock, stuck: new StuckCalls(), inPlugin: (_, run) => run(), probes: new Map(), wasAwakeSince: () => true },
  });
  const stop = prober.watch({
    ...{
      worker: 'web',
      instance: 'i1',
      startedAtMs: systemClock.monotonicMs(),
      endpoints: [{ port, address: '127.0.0.1' }],
      exec: null,
      notified: null,
      logs: null,
      opinion: null,
    },
    rule: rule({ probes: [{ kind: 'tcp', options: { port } }], intervalMs: 20, startIntervalMs: 20 }),
    onVerdict: (verdict) => verdicts.push(verdict),
  });
  try {
    await told('ok', 1);
    await server.close();
    await told('bad', 2);
    expect(verdicts[1]).toMatchObject({ evidence: `127.0.0.1:${port}: connection refused`, failures: 2 });
    server = await listening(() => {}, port);
    await told('ok', 3);
  } finally {
    stop();
    await server.close();
  }
});
