import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findBinary } from './binary.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-binary-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('OSTLER_HOLDER names the holder, or says that there is to be none', () => {
  const path = join(folder, 'holder');
  const found = () => findBinary({ OSTLER_HOLDER: path });
  expect(found()).toEqual({ path: null, why: `${path} cannot be executed` });
  writeFileSync(path, '');
  chmodSync(path, 0o600);
  expect(found()).toEqual({ path: null, why: `${path} cannot be executed` });
  chmodSync(path, 0o700);
  expect(found()).toEqual({ path });
  expect(findBinary({ OSTLER_HOLDER: 'sh' })).toEqual({ path: null, why: 'OSTLER_HOLDER=sh' });
});
