import { DatabaseSync } from 'node:sqlite';
import { currentForm, formOf, migrate } from './migrations.ts';
import { peek, setAside } from './set-aside.ts';
import { sqliteTrouble } from './sqlite-error.ts';
import { openTables, type Tables } from './tables.ts';

export interface OpenFile {
  readonly db: DatabaseSync;
  readonly tables: Tables;
  /** Path and cause of the damaged file that was set aside. */
  readonly setAside: { readonly path: string; readonly why: string } | null;
  /** The copy that was kept of a store of an older form. */
  readonly before: string | null;
}

/** The file is of a form that this code does not know. */
export interface Newer {
  readonly form: number;
}

class Damage extends Error {}

/**
 * Opens, checks and migrates the store at `path`, whose lock the caller holds. A newer one is not touched; a damaged one is renamed and a new one
 * begun; every other trouble is thrown, and the file is as it was.
 */
export function openFile(path: string, now: Date): OpenFile | Newer {
  const seen = peek(path);
  if (seen.is === 'store' && seen.form > currentForm) return { form: seen.form };
  if (seen.is === 'damaged') return beginAnew(path, seen.why, now);
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(path);
    return prepare(db, path);
  } catch (error) {
    db?.close();
    if (error instanceof Damage || sqliteTrouble(error) === 'damaged') return beginAnew(path, (error as Error).message, now);
    throw error;
  }
}

function prepare(db: DatabaseSync, path: string): OpenFile | Newer {
  // Exclusive: no other tool writes beside the agent, and SQLite needs no shared memory file.
  db.exec('PRAGMA busy_timeout = 2000; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY');
  const form = formOf(db);
  if (form > currentForm) {
    db.close();
    return { form };
  }
  check(db, form);
  // FULL: each commit is synced before it is announced. NORMAL would survive a kill -9 as well, but a power cut could then undo what was answered
  // with "done" up to the last checkpoint, minutes ago: a worker stopped by hand would start again. Group commit shares the cost.
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304');
  const before = migrate(db, path);
  return { db, tables: statementsOf(db), setAside: null, before };
}

function check(db: DatabaseSync, form: number): void {
  const found = db.prepare('PRAGMA quick_check(3)').all();
  const first = found[0]?.['quick_check'];
  if (first !== 'ok') throw new Damage(String(first));
  const tables = db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'];
  if (form === 0 && tables !== 0) throw new Damage('it has tables, but not of any form of the store');
}

/** A flipped byte in a table's name or column leaves a sound database that is no store. */
function statementsOf(db: DatabaseSync): Tables {
  try {
    return openTables(db);
  } catch (error) {
    if (sqliteTrouble(error) === 'refused') throw new Damage((error as Error).message);
    throw error;
  }
}

function beginAnew(path: string, why: string, now: Date): OpenFile {
  const aside = setAside(path, now);
  const db = new DatabaseSync(path);
  try {
    const opened = prepare(db, path);
    if (!('db' in opened)) throw new Error('a new store cannot be newer');
    // Cursors that clients remember from the lost journal must not name other entries: no journal grows by one entry a second for years.
    db.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('journal', ?)").run(Math.floor(now.getTime() / 1000));
    return { ...opened, setAside: { path: aside, why } };
  } catch (error) {
    if (db.isOpen) db.close();
    throw error;
  }
}
