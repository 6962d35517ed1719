import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { problemCodes } from '../packages/core/src/base/problem.ts';
import { runtimeFailureCodes, secretFailureCodes } from '../packages/sdk/src/index.ts';
import { thisTree } from './planted.ts';

/** Section -> its entries, in the order of the page. */
function entriesOf(page: string): Map<string, { code: string; text: string }[]> {
  const sections = page.split(/^## /m).slice(1);
  return new Map(
    sections.map((section) => {
      const [title = '', ...entries] = section.split(/^### /m);
      return [title.split('\n')[0] ?? '', entries.map((entry) => ({ code: entry.split('\n')[0] ?? '', text: entry.slice(entry.indexOf('\n') + 1).trim() }))];
    }),
  );
}

const sections = entriesOf(readFileSync(join(thisTree, 'docs/errors.md'), 'utf8'));

test.each([
  ['Problems', Object.keys(problemCodes)],
  ['Runtime failures', runtimeFailureCodes],
  ['Secret failures', secretFailureCodes],
])('docs/errors.md has exactly one entry for each code of: %s', (section, codes) => {
  expect(sections.get(section)?.map(({ code }) => code)).toEqual([...codes]);
});

test('each entry says what it means and what to do', () => {
  const entries = [...sections.values()].flat();
  expect(entries.filter(({ text }) => !/^(?:\*\*Exit \d+\.\*\* )?[A-Z][^*]{20,}\n\*\*Do:\*\* /.test(text)).map(({ code }) => code)).toEqual([]);
});

test('each problem is listed with the exit code that its command ends with', () => {
  const listed = sections.get('Problems')?.map(({ code, text }) => [code, Number(/^\*\*Exit (\d+)\.\*\*/.exec(text)?.[1])]);
  expect(Object.fromEntries(listed ?? [])).toEqual(problemCodes);
});
