import { describe, expect, it } from 'vitest';
import type { HealthRule } from '../spec/index.ts';
import { type HealthMachine, isProven, newHealth, step } from './verdict.ts';

const rule = (given: Partial<HealthRule> = {}): HealthRule => ({
  ...{ probes: [{ kind: 'tcp', options: { port: 1 } }], image: false, intervalMs: 10_000, timeoutMs: 1000, startPeriodMs: 0, startIntervalMs: 1000 },
  ...{ retries: 3, successes: 1, onUnhealthy: 'restart', minUpMs: 10_000 },
  ...given,
});

/** `+` good, `-` failed; one each `everyMs`. What each turned, `.` = nothing. */
function turns(rounds: string, given: Partial<HealthRule> = {}, { everyMs = 10_000, from = newHealth(), fromMs = 0 } = {}): string {
  let state: HealthMachine = from;
  return [...rounds]
    .map((round, n) => {
      const next = step(state, rule(given), { ok: round === '+', atMs: fromMs + n * everyMs });
      state = next.state;
      return next.change === null ? '.' : next.change === 'ok' ? 'O' : 'B';
    })
    .join('');
}

describe('health', () => {
  it.each([
    ['is ok with the first good round', '-+', {}, '.O'],
    ['is told once', '+++', {}, 'O..'],
    ['is bad after as many failures in a row as `retries`', '+--+---', {}, 'O.....B'],
    ['is not told bad again', '+--------', {}, 'O..B.....'],
    ['is ok again with a good round', '+---+', {}, 'O..BO'],
    ['needs `successes` good rounds in a row', '+-++---+-++', { successes: 2 }, '...O..B...O'],
    ['turns with each round when `retries` is 1', '+-+-', { retries: 1 }, 'OBOB'],
    ['is bad when it never was ok', '---', {}, '..B'],
  ])('%s', (_, rounds, given, told) => {
    expect(turns(rounds, given)).toBe(told);
  });

  it('does not count failures within the start period', () => {
    expect(turns('------', { startPeriodMs: 25_000 })).toBe('.....B');
  });

  it('counts them once it was ok, within the start period too', () => {
    expect(turns('+---', { startPeriodMs: 1_000_000 })).toBe('O..B');
  });

  it('is not found bad sooner because it is asked more often while it starts', () => {
    const told = turns('-'.repeat(40), {}, { everyMs: 1000 });
    expect(told.indexOf('B')).toBe(20);
    expect(turns(`${'-'.repeat(15)}+`, {}, { everyMs: 1000 })).toBe(`${'.'.repeat(15)}O`);
  });

  it('counts every failure once it was ok, however close they are', () => {
    expect(turns('+---', {}, { everyMs: 10 })).toBe('O..B');
  });

  it('of an adopted instance goes on from what was known, without a new start period', () => {
    const given = { startPeriodMs: 1_000_000 };
    expect(turns('---', given, { from: newHealth('ok') })).toBe('..B');
    expect(turns('--+', given, { from: newHealth('bad') })).toBe('..O');
    expect(turns('+', given, { from: newHealth('ok') })).toBe('.');
    expect(turns('---', { startPeriodMs: 60_000 }, { from: newHealth(null), fromMs: 60_000 })).toBe('..B');
  });

  it('without probes is ok once it is up for long enough', () => {
    const none = { probes: [], minUpMs: 30_000, successes: 5 };
    expect(turns('+++++', none)).toBe('...O.');
  });
});

describe('a health that was known before', () => {
  it('is proven by as many rounds as it takes to turn to it', () => {
    const two = rule({ successes: 2, retries: 2 });
    const after = (from: 'ok' | 'bad' | null, rounds: readonly boolean[]): boolean =>
      isProven(
        rounds.reduce((state, ok, n) => step(state, two, { ok, atMs: n * 10_000 }).state, newHealth(from)),
        two,
      );
    expect([after('ok', []), after('ok', [true]), after('ok', [true, true])]).toEqual([false, false, true]);
    expect([after('bad', [false]), after('bad', [false, false])]).toEqual([false, true]);
    expect([after(null, []), after(null, [true])]).toEqual([false, false]);
  });
});
