import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { callFor } from '../fixtures/scripted-engine.ts';
import { digestOf, readContext } from './context.ts';
import { FileHashes, unreadable } from './file-hashes.ts';
import { parseIgnore } from './ignore.ts';
import { tarOf } from './tar.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ostler-context-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const call = callFor(60_000);
const read = (ignore = '', hashes = new FileHashes()) => readContext(dir, parseIgnore(ignore, '.dockerignore'), hashes, call);
const write = (path: string, text = path): void => {
  mkdirSync(join(dir, path, '..'), { recursive: true });
  writeFileSync(join(dir, path), text);
};
test('names, contents, modes and links make the digest; times do not', async () => {
  write('b/file');
  write('a');
  symlinkSync('nowhere', join(dir, 'link'));
  const hashes = new FileHashes();
  const first = await read('', hashes);
  expect(first.map(({ path, is }) => `${is} ${path}`)).toEqual(['file a', 'folder b', 'file b/file', 'link link']);
  utimesSync(join(dir, 'a'), 1e9, 1e9);
  expect(digestOf(await read('', hashes))).toBe(digestOf(first));
  const digests = [digestOf(first)];
  for (const change of [
    () => appendFileSync(join(dir, 'a'), '!'),
    () => chmodSync(join(dir, 'a'), 0o755),
    () => rmSync(join(dir, 'b/file')),
    () => symlinkSync('a', join(dir, 'other')),
  ]) {
    change();
    digests.push(digestOf(await read('', hashes)));
  }
  expect(new Set(digests).size).toBe(5);
});

test('a folder that is left out comes along only where something in it does not', async () => {
  for (const path of ['out/a', 'out/keep/b', 'gone/c', 'in/d']) write(path);
  expect((await read('out\ngone\n!out/keep')).map(({ path }) => path)).toEqual(['in', 'in/d', 'out', 'out/keep', 'out/keep/b']);
});

test('sockets and FIFOs are left out, and nobody waits for them', async () => {
  write('a');
  execFileSync('mkfifo', [join(dir, 'fifo')]);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(dir, 'socket'), resolve));
  expect((await read()).map(({ path }) => path)).toEqual(['a']);
  await new Promise((resolve) => server.close(resolve));
});

test.each([
  ['not-found', 'missing', () => {}],
  ['invalid', 'file', () => write('file')],
])('%s for a context that is no folder: %s', async (code, name, make) => {
  make();
  await expect(readContext(join(dir, name), parseIgnore('', ''), new FileHashes(), call)).rejects.toMatchObject({ code });
});

test.each([
  ['EACCES', 'invalid', /may not be read by the agent’s user.*\.dockerignore/],
  ['ENOENT', 'conflict', /was taken away/],
  ['EIO', 'invalid', /cannot be read \(EIO\)/],
])('a file that gives %s is named, with the code %s', (errno, code, message) => {
  expect(unreadable('/srv/app/key', Object.assign(new Error(errno), { code: errno }))).toMatchObject({ code, message: expect.stringMatching(message) });
});

test('tar reads what is sent: long and unusual names, modes, links, folders', async () => {
  const long = `${'long/'.repeat(30)}name`;
  for (const path of ['plain', long, 'grüße/☃.txt', 'empty']) write(path, path === 'empty' ? '' : path.repeat(200));
  chmodSync(join(dir, 'plain'), 0o750);
  symlinkSync(`${'x'.repeat(150)}`, join(dir, 'link'));
  const entries = await read();
  const chunks: Buffer[] = [];
  for await (const chunk of tarOf(dir, entries, [{ path: '.ostler.dockerfile', text: 'FROM scratch\n' }], call)) chunks.push(chunk);
  const into = join(dir, 'into');
  mkdirSync(into);
  execFileSync('tar', ['-xpf', '-', '-C', into], { input: Buffer.concat(chunks) });
  const again = await readContext(into, parseIgnore('', ''), new FileHashes(), call);
  expect(digestOf(again.filter(({ path }) => path !== '.ostler.dockerfile'))).toBe(digestOf(entries));
  expect(again.map(({ path }) => path)).toContain('.ostler.dockerfile');
});

test('a file that changes between reading and sending breaks the sending off', async () => {
  write('a', 'x'.repeat(1000));
  const entries = await read();
  writeFileSync(join(dir, 'a'), 'y'.repeat(1000));
  const sent = async (): Promise<void> => {
    for await (const _ of tarOf(dir, entries, [], call));
  };
  await expect(sent()).rejects.toMatchObject({ code: 'conflict', retryable: true });
  rmSync(join(dir, 'a'));
  await expect(sent()).rejects.toMatchObject({ code: 'conflict' });
});

test('a large file is hashed and sent in small pieces', async () => {
  write('large');
  truncateSync(join(dir, 'large'), 768 * 2 ** 20);
  const entries = await read();
  let [sent, largest] = [0, 0];
  const before = process.memoryUsage().rss;
  await pipeline(tarOf(dir, entries, [], call), async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) {
      sent += chunk.length;
      largest = Math.max(largest, chunk.length);
    }
  });
  expect(sent).toBe(512 + 768 * 2 ** 20 + 1024);
  expect(largest).toBeLessThanOrEqual(256 * 1024);
  expect(process.memoryUsage().rss - before).toBeLessThan(300 * 2 ** 20);
});
