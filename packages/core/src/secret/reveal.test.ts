import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SecretSource, secretFailure } from '@ostler/sdk';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { StuckCalls } from '../base/stuck-calls.ts';
import type { SecretsRule } from '../spec/index.ts';
import { revealSecrets } from './reveal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-secret-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const reveal = (rules: Partial<SecretsRule>, sources: ReadonlyMap<string, SecretSource> = new Map(), baseDir = folder) =>
  revealSecrets({
    ...{ rules: { files: [], env: {}, visibleInInspect: false, ...rules }, baseDir, sources, hmac: (bytes) => `h${bytes.length}` },
    ...{ clock: systemClock, stuck: new StuckCalls(), signal: new AbortController().signal },
  });

test('files and environment come with their values and a keyed digest of each', async () => {
  writeFileSync(join(folder, 'key'), 'hunter2\n', { mode: 0o600 });
  const found = await reveal({ files: [{ name: 'k', ref: 'file:key', mode: 0o400, uid: null }], env: { KEY: 'file:key' } });
  expect(found.secrets.env).toEqual({ KEY: 'hunter2' });
  expect(Buffer.from(found.secrets.files[0]!.bytes).toString()).toBe('hunter2\n');
  expect(found.versions).toEqual({ 'file:key': 'h8' });
  expect(found.warnings).toEqual([]);
});
test('a file that others may read, or that lies in the repository, is warned of', async () => {
  mkdirSync(join(folder, '.git'));
  writeFileSync(join(folder, 'key'), 'x', { mode: 0o644 });
  expect((await reveal({ env: { KEY: 'file:key' } })).warnings.map((text) => text.split(': ').at(-1))).toEqual([
    'chmod 600 it',
    'keep it outside, or encrypt it',
  ]);
});
test.each([
  ['missing', () => {}, /there is no such file.*\(missing\)/],
  ['a folder', (path: string) => mkdirSync(path), /is no plain file/],
  ['a FIFO that nobody writes to', (path: string) => execFileSync('mkfifo', [path]), /is no plain file/],
  ['larger than 1 MiB', (path: string) => writeFileSync(path, new Uint8Array(1024 * 1024 + 1)), /larger than 1 MiB/],
  ['text with a NUL', (path: string) => writeFileSync(path, 'a\0b'), /holds a NUL/],
  ['binary', (path: string) => writeFileSync(path, new Uint8Array([0xff, 0xfe, 1])), /no UTF-8 text/],
])('what is %s is one problem that names the reference and no value', async (_, make, says) => {
  make(join(folder, 'key'));
  await expect(reveal({ env: { KEY: 'file:key' } })).rejects.toMatchObject({ code: 'secret-unavailable', message: expect.stringMatching(says) });
});
test('one that cannot be had leaves none of the others', async () => {
  writeFileSync(join(folder, 'key'), 'x', { mode: 0o600 });
  const sources = new Map<string, SecretSource>([
    ['vault', { list: async () => [], reveal: () => Promise.reject(secretFailure({ code: 'no-key', ref: 'vault:a', message: 'vault:a: no key of age1xyz' })) }],
  ]);
  await expect(reveal({ env: { A: 'file:key', B: 'vault:a' } }, sources)).rejects.toThrow('vault:a: no key of age1xyz (no-key)');
});
const vault = (reveal: SecretSource['reveal']) => new Map<string, SecretSource>([['vault', { list: async () => [], reveal }]]);
test.each<[string, SecretSource['reveal'], RegExp]>([
  ['throws', () => Promise.reject(new Error('connection refused')), /^vault:a: connection refused$/],
  ['leaves one out', async () => new Map(), /^vault:a: its source answered without it$/],
  ['gives no bytes', async () => new Map([['vault:a', 'hunter2' as unknown as Uint8Array]]), /^vault:a: its source answered with something that is no bytes$/],
])('a source that %s is told by the reference, without a value', async (_, source, says) => {
  await expect(reveal({ env: { A: 'vault:a' } }, vault(source))).rejects.toMatchObject({ code: 'secret-unavailable', message: expect.stringMatching(says) });
});
test('a source gives what it was asked for and nothing in the place of another', async () => {
  writeFileSync(join(folder, 'key'), 'mine\n', { mode: 0o600 });
  const sources = vault(async () => new Map(['vault:a', 'file:key'].map((ref) => [ref, Buffer.from('theirs\n')])));
  // The newline at the end of a file is the editor's; that of a source belongs to the value.
  expect((await reveal({ env: { A: 'file:key', B: 'vault:a' } }, sources)).secrets.env).toEqual({ A: 'mine', B: 'theirs\n' });
});
test('a URL of a file on another host is refused by its reference', async () => {
  await expect(reveal({ env: { A: 'file://else/key' } })).rejects.toThrow('file://else/key: it is no URL of a file on this host');
});
