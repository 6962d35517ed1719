import { expect, test } from 'vitest';
import { ageText, parseDuration } from './duration.ts';

test('durations carry their units, the larger first', () => {
  const cases: [string, number | null][] = [
    ['500ms', 500],
    ['10s', 10_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['1m30s', 90_000],
    ['0.5s', 500],
    ['0s', 0],
    ['10', null],
    ['', null],
    ['-1s', null],
    ['30s1m', null],
    ['1s1s', null],
    ['1 s', null],
    ['1x', null],
    [`${'9'.repeat(38)}d`, null],
  ];
  for (const [text, ms] of cases) expect([text, parseDuration(text)]).toEqual([text, ms]);
});

test('an age is as coarse as a table needs it', () => {
  expect([-5, 0, 119_999, 120_000, 7_200_000, 172_800_000].map(ageText)).toEqual(['0s', '0s', '119s', '2m', '2h', '2d']);
});
