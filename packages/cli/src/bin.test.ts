import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const bin = fileURLToPath(new URL('../bin/ostler.js', import.meta.url));
let folder: string;
let copy: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-bin-'));
  copy = join(folder, 'bin', 'ostler.js');
  cpSync(bin, copy);
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});
afterEach(() => rmSync(folder, { recursive: true }));

const node = (...args: string[]) => spawnSync(process.execPath, args, { encoding: 'utf8' });

test.each(['10.24.1', '12.22.0', '20.19.0', '22.17.9'])('under Node %s it says in one line which Node it needs, and exits 2', (version) => {
  const preload = join(folder, 'old.cjs');
  writeFileSync(preload, `Object.defineProperty(process, 'versions', { value: { node: '${version}' } }); process.getBuiltinModule = undefined;`);
  const { status, stdout, stderr } = node('-r', preload, copy);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^ostler needs Node 22\.18 or newer; this is v[\d.]+ \(.+\)\n$/);
});

test('its syntax is old enough for the Node that it turns away', () => {
  // As an old Node reads it: a script, no module.
  expect(readFileSync(bin, 'utf8')).not.toMatch(/\?\.|\?\?|^import |import\.meta|\bawait\b|catch \{|#\w+ =|\d_\d/m);
});

test('in a checkout that is not built it says what to do', () => {
  expect(node(copy)).toMatchObject({ status: 1, stdout: '', stderr: 'ostler is not built: there is no dist/main.js. In a checkout, `npm start` builds it.\n' });
});

test('a file that the built command misses is not taken for a checkout that is not built', () => {
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'dist', 'main.js'), "import './gone.js';\n");
  const { status, stderr } = node(copy);
  expect(status).toBe(1);
  expect(stderr).toContain('gone.js');
  expect(stderr).not.toContain('npm start');
});
