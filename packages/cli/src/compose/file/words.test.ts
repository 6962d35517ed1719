import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { serviceWords, topWords, withoutWord } from './words.ts';

const page = readFileSync(new URL('../../../../../docs/from-compose.md', import.meta.url), 'utf8');
/** Word -> what the page says of it. */
const rows = new Map(
  page
    .slice(page.indexOf('## Word for word'))
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .flatMap((line) => {
      const [, words = '', says = ''] = line.split(/ ?\| ?/);
      return [...words.matchAll(/`([a-z_]+)`/g)].map(([, word]) => [word!, says.trim()] as const);
    }),
);

test('docs/from-compose.md says of every word of Compose what becomes of it, and of no other', () => {
  expect([...rows.keys()].sort()).toEqual([...new Set([...topWords, ...serviceWords])].sort());
});

test('it says of what has no word that there is none', () => {
  expect(Object.keys(withoutWord).filter((word) => !rows.get(word)?.startsWith('nothing: '))).toEqual([]);
});
