import { describe, expect, it } from 'vitest';
import { isProblem } from '../base/problem.ts';
import type { ScheduleRule } from '../spec/index.ts';
import { missedBetween, nextDue } from './cron.ts';

const rule = (cron: string, timezone: string | null = 'UTC'): ScheduleRule => ({ cron, timezone, overlap: 'skip', missed: 'skip', timeoutMs: null });
const next = (cron: string, timezone: string | null, after: string): string | null => {
  const dueMs = nextDue(rule(cron, timezone), Date.parse(after));
  return dueMs === null ? null : new Date(dueMs).toISOString();
};

describe('the next run', () => {
  it.each([
    ['is strictly after the time given', '0 3 * * *', 'UTC', '2026-05-01T03:00:00.000Z', '2026-05-02T03:00:00.000Z'],
    ['may be a millisecond away', '0 3 * * *', 'UTC', '2026-05-01T02:59:59.999Z', '2026-05-01T03:00:00.000Z'],
    ['is in the time zone of the line', '0 3 * * *', 'Europe/Berlin', '2026-05-01T00:00:00Z', '2026-05-01T01:00:00.000Z'],
    ['comes after the gap when the clocks go forward', '30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00.000Z'],
    ['is back at its time on the day after the gap', '30 2 * * *', 'Europe/Berlin', '2026-03-29T01:00:00Z', '2026-03-30T00:30:00.000Z'],
    ['is the first of two when the clocks go back', '30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00.000Z'],
    ['does not come twice when the clocks go back', '30 2 * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-26T01:30:00.000Z'],
    ['of an interval goes through the hour that comes twice', '*/30 * * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-25T01:00:00.000Z'],
    ['counts seconds where the line has six fields', '*/5 * * * * *', 'UTC', '2026-05-01T00:00:05Z', '2026-05-01T00:00:10.000Z'],
    ['may be years away', '0 0 29 2 *', 'UTC', '2026-05-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['understands @daily', '@daily', 'UTC', '2026-05-01T00:00:01Z', '2026-05-02T00:00:00.000Z'],
    ['never comes on a day that no month has', '0 0 30 2 *', 'UTC', '2026-05-01T00:00:00Z', null],
    ['never comes again after its year', '0 0 0 1 1 * 2020', 'UTC', '2026-05-01T00:00:00Z', null],
  ])('%s', (_, cron, timezone, after, due) => {
    expect(next(cron, timezone, after)).toBe(due);
  });

  it('is in the time zone of the host when the line names none', () => {
    const due = new Date(nextDue(rule('17 3 * * *', null), Date.parse('2026-05-01T00:00:00Z'))!);
    expect([due.getHours(), due.getMinutes()]).toEqual([3, 17]);
  });

  it.each([
    ['every day', 'UTC', /`every day` in the time zone UTC cannot be read/],
    ['61 * * * *', null, /`61 \* \* \* \*` cannot be read: Invalid value for minute/],
    ['0 3 * * *', 'Europe/Berln', /Europe\/Berln/],
  ])('of %s in %s is refused with a problem that says why', (cron, timezone, message) => {
    for (const run of [() => nextDue(rule(cron, timezone), 0), () => missedBetween(rule(cron, timezone), 0, 1, 1)]) {
      let thrown: unknown;
      try {
        run();
      } catch (error) {
        thrown = error;
      }
      expect(isProblem(thrown)).toBe(true);
      expect((thrown as Error).message).toMatch(message);
    }
  });
});

describe('the runs that were missed', () => {
  const missed = (cron: string, timezone: string, from: string, to: string): number =>
    missedBetween(rule(cron, timezone), Date.parse(from), Date.parse(to), 1000);

  it('are those after the first time, the second included', () => {
    expect(missed('0 * * * *', 'UTC', '2026-05-01T00:00:00Z', '2026-05-01T03:00:00Z')).toBe(3);
    expect(missed('0 * * * *', 'UTC', '2026-05-01T00:00:00Z', '2026-05-01T02:59:59.999Z')).toBe(2);
  });

  it('are none when time went backward, or on a line that never comes', () => {
    expect(missed('0 * * * *', 'UTC', '2026-05-01T03:00:00Z', '2026-05-01T00:00:00Z')).toBe(0);
    expect(missed('0 0 30 2 *', 'UTC', '2000-01-01T00:00:00Z', '2026-05-01T00:00:00Z')).toBe(0);
  });

  it('are one a day across both changes of the clock', () => {
    expect(missed('30 2 * * *', 'Europe/Berlin', '2026-03-26T12:00:00Z', '2026-03-31T12:00:00Z')).toBe(5);
    expect(missed('30 2 * * *', 'Europe/Berlin', '2026-10-22T12:00:00Z', '2026-10-27T12:00:00Z')).toBe(5);
  });

  it('are counted to a limit', () => {
    expect(missed('* * * * * *', 'UTC', '2020-01-01T00:00:00Z', '2026-05-01T00:00:00Z')).toBe(1000);
  });
});
