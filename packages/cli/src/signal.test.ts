import * as sdk from '@ostler/sdk';
import { expect, test } from 'vitest';
import { signalName, signalNumber } from './signal.ts';

test('signals are named as the SDK names them', () => {
  const numbers = Array.from({ length: 70 }, (_, number) => number);
  const names = numbers.map((number) => sdk.signalName(number) ?? 'SIGNONE');
  expect(numbers.map((number) => signalName(number) ?? 'SIGNONE').map(signalNumber)).toEqual(names.map(sdk.signalNumber));
  const more = ['SIGRTMAX', 'SIGRTMAX-27', 'SIGRTMAX-31', 'SIGRTMIN+31', 'SIGRTMIN-1', 'SIGRTMAX+1', 'SIGRT', 'TERM', 'SIGIOT', ''];
  expect(more.map(signalNumber)).toEqual(more.map(sdk.signalNumber));
});
