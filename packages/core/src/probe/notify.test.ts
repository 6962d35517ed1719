import type { Notified } from '@ostler/sdk';
import { describe, expect, it } from 'vitest';
import { type AskGiven, askProbe } from './ask.ts';
import { asking } from './fixtures/asking.ts';
import { manualClock } from './fixtures/manual-clock.ts';
import { Hearing } from './hearing.ts';

const nothing: Notified = { readyAt: null, aliveAt: null, stoppingAt: null, isTripped: false, status: null };

/** A worker that started at 0 and is asked by one watch; `setClock` sets the host's clock, not time itself. */
function worker(options: unknown = {}) {
  const time = manualClock();
  let offsetMs = 0;
  const clock = { ...time, nowMs: () => time.monotonicMs() + offsetMs, isoNow: () => new Date(time.monotonicMs() + offsetMs).toISOString() };
  let said: Notified | null = nothing;
  const hearing = new Hearing(async () => said, clock, 0);
  const rule = { kind: 'notify', options };
  return {
    now: () => clock.isoNow(),
    wait: (ms: number) => time.advance(ms),
    setClock(byMs: number): void {
      offsetMs += byMs;
    },
    says(more: Partial<Notified>): void {
      said = { ...nothing, ...said, ...more };
    },
    isNotHeard(): void {
      said = null;
    },
    ask: (given: Partial<AskGiven> = {}) => askProbe(rule, asking({ clock, hearing, ...given })),
    isOk: async () => (await askProbe(rule, asking({ clock, hearing }))).ok,
  };
}

describe('a probe of what a worker says of itself', () => {
  it('is good once it said READY=1, and stays so however long ago that was', async () => {
    const web = worker();
    expect(await web.ask()).toEqual({ ok: false, evidence: 'has not said READY=1 yet' });
    web.says({ readyAt: web.now() });
    expect(await web.ask()).toEqual({ ok: true, evidence: 'said READY=1' });
    await web.wait(3_600_000);
    expect(await web.ask()).toEqual({ ok: true, evidence: 'said READY=1' });
  });

  it('tells its status, in one short line', async () => {
    const web = worker();
    web.says({ status: 'loading\tthe index:\n3 of 10' });
    expect((await web.ask()).evidence).toBe('has not said READY=1 yet; its status: loading the index: 3 of 10');
    web.says({ status: ' \n' });
    expect((await web.ask()).evidence).toBe('has not said READY=1 yet');
    web.says({ status: 'x'.repeat(255) });
    expect((await web.ask()).evidence.length).toBeLessThan(250);
  });

  it('with a watchdog is bad when the last WATCHDOG=1 is too old, and good again with the next', async () => {
    const web = worker({ watchdog: 10_000 });
    await web.wait(2000);
    web.says({ readyAt: web.now() });
    await web.wait(1000);
    web.says({ aliveAt: web.now() });
    await web.wait(10_000);
    expect(await web.ask()).toEqual({ ok: true, evidence: 'said READY=1' });
    await web.wait(2300);
    expect(await web.ask()).toEqual({ ok: false, evidence: 'said WATCHDOG=1 last 12.3 s ago, expected every 10 s' });
    web.says({ aliveAt: web.now() });
    expect(await web.isOk()).toBe(true);
  });

  it('with a watchdog counts from READY=1 on: what it said or did not say while it loaded does not matter', async () => {
    const web = worker({ watchdog: 1500 });
    web.says({ aliveAt: web.now() });
    await web.wait(60_000);
    web.says({ readyAt: web.now() });
    expect(await web.isOk()).toBe(true);
    await web.wait(2000);
    expect(await web.ask()).toEqual({ ok: false, evidence: 'has not said WATCHDOG=1 since READY=1 2.0 s ago, expected every 1.5 s' });
  });

  it('is bad at once when it said WATCHDOG=trigger, with and without a watchdog', async () => {
    for (const options of [{}, { watchdog: 60_000 }]) {
      const web = worker(options);
      web.says({ readyAt: web.now(), aliveAt: web.now(), isTripped: true, status: 'deadlock' });
      expect(await web.ask()).toEqual({ ok: false, evidence: 'said WATCHDOG=trigger; its status: deadlock' });
    }
  });

  it('tells that it said STOPPING=1, which judges nothing', async () => {
    const web = worker();
    web.says({ readyAt: web.now(), stoppingAt: web.now() });
    expect(await web.ask()).toEqual({ ok: true, evidence: 'said READY=1, and STOPPING=1' });
  });

  it.each([3_600_000, -3_600_000])('does not take a clock that is set by %i ms for silence, nor for a sign of life', async (byMs) => {
    const web = worker({ watchdog: 10_000 });
    web.says({ readyAt: web.now(), aliveAt: web.now() });
    expect(await web.isOk()).toBe(true);
    web.setClock(byMs);
    expect(await web.isOk()).toBe(true);
    await web.wait(9000);
    expect(await web.isOk()).toBe(true);
    web.says({ aliveAt: web.now() });
    await web.wait(5000);
    // set again before the new sign of life was seen
    web.setClock(byMs);
    expect(await web.isOk()).toBe(true);
    await web.wait(15_001);
    expect(await web.isOk()).toBe(false);
  });

  it('of a worker that was found running believes how long it had been silent', async () => {
    const web = worker({ watchdog: 10_000 });
    await web.wait(5000);
    web.says({ readyAt: web.now(), aliveAt: web.now() });
    await web.wait(60_000);
    expect(await web.ask()).toEqual({ ok: false, evidence: 'said WATCHDOG=1 last 60.0 s ago, expected every 10 s' });
  });

  it('takes a stamp that is no time for one of the moment at which it was first seen', async () => {
    const web = worker({ watchdog: 1000 });
    web.says({ readyAt: 'soon', aliveAt: 'now and then' });
    expect(await web.isOk()).toBe(true);
    await web.wait(1001);
    expect(await web.isOk()).toBe(false);
  });

  it('says why nobody can tell', async () => {
    const web = worker();
    expect(await web.ask({ hearing: null })).toEqual({ ok: false, evidence: 'its runtime does not hear what it says by sd_notify(3)' });
    web.isNotHeard();
    expect(await web.ask()).toEqual({ ok: false, evidence: 'nobody listens to what it says by sd_notify(3): it has to be restarted' });
    const gone = new Hearing(() => Promise.reject(new Error('there is no instance i1 of web')), manualClock(), 0);
    expect(await web.ask({ hearing: gone })).toEqual({ ok: false, evidence: 'the notify probe: there is no instance i1 of web' });
  });

  it('is given up after 2 s, whatever the timeout of the rule', async () => {
    const clock = manualClock();
    const hearing = new Hearing(() => new Promise(() => {}), clock, 0);
    const asked = askProbe({ kind: 'notify', options: {} }, asking({ clock, hearing, timeoutMs: 30_000 }));
    await clock.advance(10_000);
    expect(await asked).toEqual({ ok: false, evidence: 'the notify probe: no answer within 2000 ms' });
  });
});
