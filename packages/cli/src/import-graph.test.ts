import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'oxc-parser';
import { expect, test } from 'vitest';
import { verbs } from './verbs.ts';

const here = dirname(fileURLToPath(import.meta.url));

/** What the files load at run time, from one on: files of ours are followed, `import('…')` too, but for those of the verb table. */
function loadedBy(file: string, seen = new Map<string, string[]>()): Map<string, string[]> {
  if (seen.has(file)) return seen;
  const { module } = parseSync(file, readFileSync(file, 'utf8'));
  const fixed = module.staticImports
    .filter(({ entries }) => entries.length === 0 || entries.some(({ isType }) => !isType))
    .map(({ moduleRequest }) => moduleRequest.value);
  const again = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ moduleRequest, isType }) => (moduleRequest && !isType ? [moduleRequest.value] : [])),
  );
  const text = readFileSync(file, 'utf8');
  const lazy = module.dynamicImports.map(({ moduleRequest }) => text.slice(moduleRequest.start + 1, moduleRequest.end - 1));
  const targets = [...fixed, ...again, ...(file.endsWith('/verbs.ts') ? [] : lazy)];
  seen.set(file, targets);
  for (const target of targets) if (target.startsWith('.')) loadedBy(resolve(dirname(file), target), seen);
  return seen;
}

const outside = (file: string): string[] =>
  [...new Set([...loadedBy(file).values()].flat())].filter((target) => !target.startsWith('.') && !target.startsWith('node:'));

test('what runs before any verb loads nothing but commander', () => {
  expect(outside(resolve(here, 'main.ts'))).toEqual(['commander']);
});

test('no client verb reaches core, the SDK or a runtime, however it loads them', () => {
  // However the test runner writes an import, the file's name is in it.
  const files = verbs.filter(({ needs }) => needs !== 'core').map(({ load }) => resolve(here, /\/((?:core-)?verbs\/[\w-]+\.ts)/.exec(load.toString())![1]!));
  expect(files.length).toBeGreaterThan(12);
  for (const file of files)
    expect({ file, ours: outside(file).filter((target) => target.startsWith('@ostler/') || target === 'zod') }).toEqual({ file, ours: [] });
  const bundled = ['commander', 'eventsource-parser', 'log-update', 'string-width'];
  expect(files.flatMap(outside).filter((target) => !bundled.includes(target))).toEqual([]);
});
