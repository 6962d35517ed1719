import { expect, test } from 'vitest';
import { parseIgnore } from './ignore.ts';

const leftOut = (text: string, paths: readonly string[]): readonly string[] => {
  const rules = parseIgnore(text, '.dockerignore');
  return paths.filter((path) => rules.leavesOut(path));
};

test.each([
  ['a name', 'a', ['a', 'a/b', 'b/a', 'aa'], ['a', 'a/b']],
  ['a leading slash says nothing', '/a\n./b/', ['a', 'b/c', 'c/a'], ['a', 'b/c']],
  ['* and ? stay within a name', '*.md\n?x', ['r.md', 'd/r.md', 'ax', 'abx', '/x'], ['r.md', 'ax']],
  ['** crosses folders, or none', '**/*.md\nd/**/x\ne/**', ['r.md', 'a/b/r.md', 'd/x', 'd/a/x', 'e/a/b', 'e'], ['r.md', 'a/b/r.md', 'd/x', 'd/a/x', 'e/a/b']],
  ['the last that matches decides', '*\n!keep\nkeep/not', ['a', 'keep', 'keep/a', 'keep/not'], ['a', 'keep/not']],
  ['an exception under a folder that is left out', 'd\n!d/keep', ['d/a', 'd/keep', 'd/keep/b'], ['d/a']],
  ['comments, empty lines, blanks, a byte order mark', '\uFEFF# a\n\n  b  \r\n #c\n', ['a', 'b', '#c'], ['b', '#c']],
  ['letters in brackets, and escaped ones', '[ab]c\n\\*x\na+b', ['ac', 'cc', '*x', 'yx', 'a+b', 'aab'], ['ac', '*x', 'a+b']],
])('%s', (_, text, paths, expected) => {
  expect(leftOut(text, paths)).toEqual(expected);
});

test.each([
  ['!', '.dockerignore:2: "!" alone is no pattern'],
  ['[a', '.dockerignore:2: "[a" is no pattern'],
])('%s is refused with its line', (line, message) => {
  expect(() => parseIgnore(`# one\n${line}`, '.dockerignore')).toThrow(message);
});
