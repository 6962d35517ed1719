import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realPath } from './real-path.ts';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'ostler-real-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('links are followed, in the middle too, and what does not exist is kept', () => {
  mkdirSync(join(folder, 'a'));
  symlinkSync('a', join(folder, 'b'));
  symlinkSync(join(folder, 'b', 'later'), join(folder, 'c'));
  expect(realPath(join(folder, 'b/'))).toBe(join(folder, 'a'));
  expect(realPath(join(folder, 'b', 'x', 'y'))).toBe(join(folder, 'a', 'x', 'y'));
  expect(realPath(join(folder, 'c', 'z'))).toBe(join(folder, 'a', 'later', 'z'));
  expect(realPath('/')).toBe('/');
  expect(realPath('/no-such-folder/../x')).toBe('/x');
});

test('links that go in a circle come to an end', () => {
  symlinkSync('e', join(folder, 'd'));
  symlinkSync('d', join(folder, 'e'));
  expect(realPath(join(folder, 'd'))).toMatch(/[de]$/);
});
