import { expect, test } from 'vitest';
import { signalName, signalNumber } from './signal.ts';

test.each([
  ['SIGTERM', 15],
  ['SIGKILL', 9],
  ['SIGRTMIN', 34],
  ['SIGRTMIN+3', 37],
  ['SIGRTMIN+30', 64],
])('%s is %i, and back', (name, number) => {
  expect([signalNumber(name), signalName(number)]).toEqual([number, name]);
});

test('a real-time signal is counted from either end', () => {
  expect(['SIGRTMAX', 'SIGRTMAX-27', 'SIGRTMAX-30'].map(signalNumber)).toEqual([64, 37, 34]);
});

test.each(['TERM', 'sigterm', 'SIGRTMIN+31', 'SIGRTMAX-31', 'SIGRTMIN-1', 'SIGRTMAX+1', 'SIGRT', 'SIGRTMIN+', '15', ''])('%j is the name of none', (name) => {
  expect(signalNumber(name)).toBe(null);
});

test('a number that no signal has, has no name', () => {
  expect([0, 32, 33, 65, -1, 1.5].map(signalName)).toEqual([null, null, null, null, null, null]);
});
