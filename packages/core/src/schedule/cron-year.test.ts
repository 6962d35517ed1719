import { describe, expect, test } from 'vitest';
import { nextDue } from './cron.ts';

// What cron.ts works out is held against a year that is walked minute by minute, with the clocks as Intl shows them.

const minuteMs = 60_000;
const dayMinutes = 1440;
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const months = ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** What the clocks show in each minute of the year, in minutes since 1970; read each hour, and each minute of an hour in which they are set. */
function clocksOf(zone: string, year: number): { readonly startMs: number; readonly shown: Int32Array; readonly changes: number } {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
  const startMs = Date.UTC(year, 0, 1);
  const at = (minute: number): number => Date.parse(`${format.format(startMs + minute * minuteMs).replace(' ', 'T')}:00Z`) / minuteMs;
  const shown = new Int32Array((Date.UTC(year + 1, 0, 1) - startMs) / minuteMs);
  let changes = 0;
  for (let from = 0; from < shown.length; from += 60) {
    const [first, next] = [at(from), at(from + 60)];
    const isSet = next !== first + 60;
    for (let minute = from; minute < from + 60; minute++) shown[minute] = isSet ? at(minute) : first + minute - from;
    if (isSet) changes += 1;
  }
  return { startMs, shown, changes };
}

/** A field as a set of numbers: `*`, `5`, `1-5`, `1-59/10`, `1-9/2`, lists of them, names. */
function numbers(field: string, from: number, to: number, names: readonly string[] = []): ReadonlySet<number> {
  const numberOf = (text: string): number => (names.includes(text.toLowerCase()) ? names.indexOf(text.toLowerCase()) : Number(text));
  const found = new Set<number>();
  for (const part of field.split(',')) {
    const [range = '', step = '1'] = part.split('/');
    const [low, high] = range === '*' ? [from, to] : range.includes('-') ? range.split('-').map(numberOf) : [numberOf(range), numberOf(range)];
    for (let number = low!; number <= high!; number += Number(step)) found.add(names === weekdays ? number % 7 : number);
  }
  return found;
}

/** Whether a run is due on this day, by both of its fields: either, where both are given. */
function isDay(date: Date, dayField: string, weekdayField: string): boolean {
  const [day, weekday] = [date.getUTCDate(), date.getUTCDay()];
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  const near = /^(\d+)W$/.exec(dayField)?.[1];
  const [, nthWeekday, nth] = /^(\d)#(\d)$/.exec(weekdayField) ?? [];
  const lastWeekday = /^(\d)L$/.exec(weekdayField)?.[1];
  const isOfMonth = dayField === 'L' ? day === lastDay : near !== undefined ? day === nearest(date, Number(near), lastDay) : numbers(dayField, 1, 31).has(day);
  const isOfWeek =
    nth !== undefined
      ? weekday === Number(nthWeekday) && Math.ceil(day / 7) === Number(nth)
      : lastWeekday !== undefined
        ? weekday === Number(lastWeekday) && day + 7 > lastDay
        : numbers(weekdayField, 0, 6, weekdays).has(weekday);
  return dayField !== '*' && weekdayField !== '*' ? isOfMonth || isOfWeek : isOfMonth && isOfWeek;
}

/** The working day nearest to a day, within its month. */
function nearest(date: Date, day: number, lastDay: number): number {
  for (const away of [0, -1, 1, -2, 2]) {
    const weekday = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), day + away)).getUTCDay();
    if (day + away >= 1 && day + away <= lastDay && weekday !== 0 && weekday !== 6) return day + away;
  }
  return -1;
}

/**
 * When a line is due in that year. One that names its times of day: each once, as soon as the clocks show it or a later time. One with `*` or `/` in
 * them: whenever the clocks show it.
 */
function expected(cron: string, { startMs, shown }: ReturnType<typeof clocksOf>): readonly number[] {
  const [minuteField = '', hourField = '', dayField = '', monthField = '', weekdayField = ''] = cron.split(' ');
  const [minutes, hours, inMonths] = [numbers(minuteField, 0, 59), numbers(hourField, 0, 23), numbers(monthField, 1, 12, months)];
  const days = new Map<number, boolean>();
  const isDue = (time: number): boolean => {
    if (!minutes.has(time % 60) || !hours.has(Math.floor((time % dayMinutes) / 60))) return false;
    const day = Math.floor(time / dayMinutes);
    let is = days.get(day);
    if (is === undefined) {
      const date = new Date(day * dayMinutes * minuteMs);
      is = inMonths.has(date.getUTCMonth() + 1) && isDay(date, dayField, weekdayField);
      days.set(day, is);
    }
    return is;
  };
  const follows = /[*/]/.test(minuteField + hourField);
  const due: number[] = [];
  let reached = shown[0]! - 1;
  for (let minute = 0; minute < shown.length; minute++) {
    const now = shown[minute]!;
    let is = follows && isDue(now);
    for (let time = reached + 1; !follows && !is && time <= now; time++) is = isDue(time);
    reached = Math.max(reached, now);
    if (is) due.push(startMs + minute * minuteMs);
  }
  return due;
}

function worked(cron: string, timezone: string, year: number): readonly number[] {
  const rule = { cron, timezone };
  const due: number[] = [];
  const endMs = Date.UTC(year + 1, 0, 1);
  for (let at = nextDue(rule, Date.UTC(year, 0, 1) - 1); at !== null && at < endMs; at = nextDue(rule, at)) due.push(at);
  return due;
}

const lines = [
  '*/15 * * * *',
  '7-59/13 */3 * * *',
  '*/4 1,2,23 * * *',
  '*/20 2 * * 7',
  '30 2 * * *',
  '0,30 1-3 * * *',
  '59 0-23 * * *',
  '0 0 * * *',
  '30 23 * * *',
  '0 12 13 * 5',
  '0 0 29 2 *',
  '5 4 * JAN,jul-SEP MON-FRI',
  '45 1 1-7,31 3,4,10,11 sun',
  '0 6 L * *',
  '0 8 15W * *',
  '0 9 * * 1#2',
  '0 9 * 1-12/2 5L',
];

/** A zone, a year, and how often its clocks are set in it. */
describe.each([
  ['UTC', 2028, 0],
  ['Europe/Berlin', 2028, 2],
  ['America/New_York', 2028, 2],
  // By half an hour.
  ['Australia/Lord_Howe', 2028, 2],
  ['Asia/Kathmandu', 2028, 0],
  // At midnight, so that a day begins at one.
  ['America/Sao_Paulo', 2018, 2],
  // Back for Ramadan.
  ['Africa/Casablanca', 2025, 2],
  // Over midnight: the last hour of a day is left out.
  ['America/Nuuk', 2028, 2],
  // A whole day was left out, when it changed sides of the date line.
  ['Pacific/Apia', 2011, 3],
])('in %s in %i', (zone, year, changes) => {
  const clocks = clocksOf(zone, year);
  test('the clocks are set as often as it is known of', () => expect(clocks.changes).toBe(changes));
  test.each(lines)('%s is due when the clocks say so', (cron) => {
    const iso = (times: readonly number[]) => times.map((ms) => new Date(ms).toISOString());
    const [is, shall] = [worked(cron, zone, year), expected(cron, clocks)];
    const [isAt, shallAt] = [new Set(is), new Set(shall)];
    const [lacks, extra] = [shall.filter((ms) => !isAt.has(ms)), is.filter((ms) => !shallAt.has(ms))];
    expect({ lacks: iso(lacks), extra: iso(extra) }).toEqual({ lacks: [], extra: [] });
    expect(is).toEqual(shall);
  });
});

test('every minute of a year is due once, also where the clocks are set by half an hour', () => {
  const from = Date.UTC(2028, 0, 1);
  let late = 0;
  const rule = { cron: '* * * * *', timezone: 'Australia/Lord_Howe' };
  for (let at = from; at < Date.UTC(2029, 0, 1); at += minuteMs) if (nextDue(rule, at) !== at + minuteMs) late += 1;
  expect(late).toBe(0);
});
