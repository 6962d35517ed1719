import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { journalEntry, sample, workerRecord } from './fixtures/sample.ts';
import { openStore, type Snapshot } from './index.ts';

let sound: string;
let snapshot: Snapshot;
let cursors: number[];
let dataDir: string;
let path: string;
beforeAll(async () => {
  sound = mkdtempSync(join(tmpdir(), 'store-'));
  const store = await openStore({ dataDir: sound });
  await store.commit(sample);
  await store.commit({ workers: Array.from({ length: 40 }, (_, n) => workerRecord(`w${n}`, { reason: 'r'.repeat(200) })) });
  await store.commit({ journal: Array.from({ length: 100 }, (_, n) => journalEntry(`${n}`)) });
  snapshot = await store.load();
  cursors = (await store.journal({})).map((r) => r.cursor);
  await store.close();
});
afterAll(() => rmSync(sound, { recursive: true }));
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'store-'));
  path = join(dataDir, 'state.db');
  copyFileSync(join(sound, 'state.db'), path);
});
afterEach(() => rmSync(dataDir, { recursive: true }));

/** Opens what lies at `path` now: either it is whole, or it was set aside byte for byte and an empty store takes writes. */
async function openWhateverItIs(): Promise<'whole' | 'set aside'> {
  const bytes = readFileSync(path);
  const store = await openStore({ dataDir });
  try {
    if (store.setAside === null) {
      expect(await store.load()).toEqual(snapshot);
      expect((await store.journal({})).map((r) => r.cursor)).toEqual(cursors);
      return 'whole';
    }
    expect(store.setAside).toMatch(/state\.db\.damaged-\d{8}T\d{6}Z(-\d+)?$/);
    expect(readFileSync(store.setAside).equals(bytes)).toBe(true);
    expect(await store.load()).toEqual({ workers: [], instances: [], generations: [], values: {} });
    const [record] = await store.commit({ ...sample, journal: [journalEntry('new')] });
    expect(record!.cursor).toBeGreaterThan(cursors.at(-1)!);
    return 'set aside';
  } finally {
    await store.close();
  }
}

test('a store damaged at the head of any page is set aside under a name of its own, and an empty one begun', async () => {
  const size = readFileSync(path).length;
  const seen: string[] = [];
  for (let offset = 0; offset < size; offset += 4096) {
    const bytes = readFileSync(join(sound, 'state.db'));
    bytes.fill(0xff, offset, offset + 64);
    writeFileSync(path, bytes);
    seen.push(await openWhateverItIs());
  }
  expect(new Set(seen)).toEqual(new Set(['set aside']));
  expect(readdirSync(dataDir).filter((name) => name.includes('.damaged-') && !name.endsWith('-wal'))).toHaveLength(seen.length);
});

test('garbage in the middle of a page never stops an agent from coming up', async () => {
  const size = readFileSync(path).length;
  for (let offset = 1500; offset < size; offset += 4096) {
    const bytes = readFileSync(join(sound, 'state.db'));
    for (let i = offset; i < offset + 256; i++) bytes[i] = (i * 37) & 0xff;
    writeFileSync(path, bytes);
    const store = await openStore({ dataDir });
    await store.load();
    await store.commit({ values: { after: 'damage' } });
    await store.close();
  }
});

test.each([
  ['cut in the middle of a page', () => truncateSync(path, 4096 + 1000)],
  ['cut after its first page', () => truncateSync(path, 4096)],
  ['cut within its header', () => truncateSync(path, 50)],
  ['not a database', () => writeFileSync(path, 'a text that somebody saved here by mistake\n'.repeat(200))],
  ['a database of something else', () => rmSync(path)],
])('a store that is %s is set aside', async (what, damage) => {
  damage();
  if (what.startsWith('a database')) {
    const other = new DatabaseSync(path);
    other.exec('CREATE TABLE notes (text)');
    other.close();
  }
  expect(await openWhateverItIs()).toBe('set aside');
});

test('a table that is missing makes a store damaged, however sound its pages are', async () => {
  const db = new DatabaseSync(path);
  db.exec('DROP TABLE instances');
  db.close();
  expect(await openWhateverItIs()).toBe('set aside');
});

test('a log without its database is set aside with it, not dropped', async () => {
  renameSync(path, `${path}-wal`);
  const store = await openStore({ dataDir });
  expect(store.setAside).not.toBeNull();
  expect(existsSync(`${store.setAside}-wal`)).toBe(true);
  await store.close();
});

test('a store of a newer form is refused by name of its form and not a byte of the directory is changed', async () => {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA user_version = 999');
  db.close();
  const bytes = readFileSync(path);
  await expect(openStore({ dataDir })).rejects.toMatchObject({ code: 'store-newer', message: expect.stringContaining('form 999') });
  expect(readFileSync(path).equals(bytes)).toBe(true);
  expect(readdirSync(dataDir).sort()).toEqual(['agent.lock', 'state.db']);
});

test('a newer form that so far stands only in the log is refused as well', async () => {
  const db = new DatabaseSync(path);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA user_version = 999');
  copyFileSync(`${path}-wal`, join(dataDir, 'kept-wal'));
  const bytes = readFileSync(path);
  db.close();
  writeFileSync(path, bytes);
  renameSync(join(dataDir, 'kept-wal'), `${path}-wal`);
  expect(bytes.readUInt32BE(60)).toBe(1);
  await expect(openStore({ dataDir })).rejects.toMatchObject({ code: 'store-newer' });
  expect(readdirSync(dataDir).some((name) => name.includes('damaged'))).toBe(false);
});

test('a store that cannot be read for another reason is a problem, and nothing is renamed', async () => {
  rmSync(path);
  const store = openStore({ dataDir: join(dataDir, 'no', 'such', 'directory') });
  await expect(store).rejects.toMatchObject({ code: 'data-dir-not-writable' });
});
