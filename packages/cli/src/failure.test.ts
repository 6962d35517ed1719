import { problem, problemCodes } from '@ostler/core';
import { expect, test } from 'vitest';
import { Failure, problemOf, problemText } from './failure.ts';

test('a problem of core ends the command as core’s own table says', () => {
  for (const [code, exitCode] of Object.entries(problemCodes)) {
    const thrown = problem({ code: code as keyof typeof problemCodes, message: 'it is so', hint: 'do this' });
    expect(problemOf(thrown)).toMatchObject({ code, exitCode, message: 'it is so', hint: 'do this' });
  }
});

test('what nobody foresaw is told with where it happened, and ends with 1', () => {
  const told = problemOf(new TypeError('x is undefined'));
  expect(told).toMatchObject({ code: 'internal', exitCode: 1 });
  expect(told.message).toMatch(/ostler failed in a way it should not: TypeError: x is undefined\n {4}at /);
  expect(problemOf('text').message).toContain('text');
});

test('a problem is printed with its place, what to do, and the others below', () => {
  const place = { file: 'a.yaml', line: 1, column: 2 };
  const failure = new Failure({ code: 'host-file-invalid', message: 'no', hint: 'do', place, others: [{ code: 'host-file-invalid', message: 'nor this' }] }, 2);
  expect(problemText(problemOf(failure))).toBe('a.yaml:1:2: no\n  do\nnor this');
});
