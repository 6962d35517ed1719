import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from './index.ts';
import { currentForm, formOf, migrate, migrations } from './migrations.ts';

const fixtures = fileURLToPath(new URL('./fixtures/', import.meta.url));
let dataDir: string;
let path: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'store-'));
  path = join(dataDir, 'state.db');
});
afterEach(() => rmSync(dataDir, { recursive: true }));

test.each(Array.from({ length: currentForm }, (_, i) => i + 1))('a store of form %i is opened by today’s code, which finds everything', async (form) => {
  const kept = join(fixtures, `form-${form}.db`);
  expect(existsSync(kept), `${kept} is missing: fixtures/README.md says how to make it`).toBe(true);
  copyFileSync(kept, path);
  const store = await openStore({ dataDir });
  expect(store.setAside).toBeNull();
  const found = { ...(await store.load()), journal: await store.journal({}) };
  expect(found).toMatchObject(JSON.parse(readFileSync(join(fixtures, `form-${form}.json`), 'utf8')));
  await store.close();
  const db = new DatabaseSync(path);
  expect(formOf(db)).toBe(currentForm);
  db.close();
});

test('a migration goes on from any form, keeps a copy of the store as it was, and keeps its rows', () => {
  copyFileSync(join(fixtures, 'form-1.db'), path);
  const db = new DatabaseSync(path);
  db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL');
  const workers = db.prepare('SELECT count(*) AS n FROM workers').get();
  const list = [migrations[0]!, "ALTER TABLE workers ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'", 'CREATE TABLE later (x) STRICT, nonsense'];
  expect(migrate(db, path, list.slice(0, 2))).toBe(`${path}.before-2`);
  expect(formOf(db)).toBe(2);
  expect(readFileSync(path).readUInt32BE(60)).toBe(2);
  expect(db.prepare("SELECT count(*) AS n FROM workers WHERE colour = 'red'").get()).toEqual(workers);
  expect(migrate(db, path, list.slice(0, 2))).toBeNull();
  expect(() => migrate(db, path, list)).toThrow();
  expect(formOf(db)).toBe(2);
  db.close();
  const before = new DatabaseSync(`${path}.before-2`);
  expect(formOf(before)).toBe(1);
  expect(before.prepare('SELECT count(*) AS n FROM workers').get()).toEqual(workers);
  expect(() => before.prepare('SELECT colour FROM workers')).toThrow('colour');
  before.close();
  expect(readdirSync(dataDir).filter((name) => name.endsWith('.new'))).toEqual([]);
});
