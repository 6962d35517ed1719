import type { LookupAddress } from 'node:dns';
import { expect, it } from 'vitest';
import { Names } from './names.ts';

/** A resolver that answers when it is told to. */
function resolver() {
  const asked: string[] = [];
  const pending = new Map<string, (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void>();
  const names = new Names((name, _, found) => {
    asked.push(name);
    pending.set(name, found);
  });
  const told: string[] = [];
  const ask = (name: string, options: { all?: boolean; family?: number } = {}): void =>
    names.lookup(name, options, (error, address) => told.push(`${name} ${error?.code ?? JSON.stringify(address)}`));
  return { asked, pending, told, ask };
}
const both: readonly LookupAddress[] = [
  { address: '::1', family: 6 },
  { address: '127.0.0.1', family: 4 },
];

it('a resolver that does not answer is asked once for a name, and for two names at most, however many probes wait', () => {
  const { asked, pending, told, ask } = resolver();
  for (let round = 0; round < 10; round++) for (const name of ['a', 'b', 'c']) ask(name);
  expect(asked).toEqual(['a', 'b']);
  pending.get('b')!(null, both);
  expect(asked).toEqual(['a', 'b', 'c']);
  expect(told).toEqual(Array.from({ length: 10 }, () => 'b "::1"'));
  ask('b');
  expect(asked).toEqual(['a', 'b', 'c']);
  pending.get('a')!(Object.assign(new Error('no'), { code: 'EAI_AGAIN' }), []);
  expect(told.slice(10)).toEqual(Array.from({ length: 10 }, () => 'a EAI_AGAIN'));
  expect(asked).toEqual(['a', 'b', 'c', 'b']);
});

it('each is told the addresses of the family that it asked for, in the form that it asked for', () => {
  const { pending, told, ask } = resolver();
  ask('a', { family: 4 });
  ask('a', { all: true });
  ask('a', { all: true, family: 6 });
  ask('b', { family: 6 });
  pending.get('a')!(null, both);
  pending.get('b')!(null, [both[1]!]);
  expect(told).toEqual(['a "127.0.0.1"', `a ${JSON.stringify(both)}`, `a ${JSON.stringify([both[0]])}`, 'b ENOTFOUND']);
});
