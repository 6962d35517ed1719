import { existsSync, renameSync, rmSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';

/**
 * The forms of the store, oldest first: the entry at index N-1 makes form N out of form N-1. Only ever append: what was released stays as it is,
 * and fixtures/ gets a store of each form. `user_version` says which form a file has.
 *
 * Tables without rowid have no second b-tree that could disagree with the first. The checks let `quick_check` find damaged JSON at open.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE workers (
    worker TEXT NOT NULL PRIMARY KEY, want TEXT NOT NULL, held_by TEXT, phase TEXT NOT NULL, health TEXT NOT NULL, generation INTEGER, instance TEXT,
    since TEXT NOT NULL, reason TEXT NOT NULL, restarts INTEGER NOT NULL, failures INTEGER NOT NULL, next_try_at TEXT, epoch INTEGER NOT NULL,
    last_due_at TEXT, extra TEXT NOT NULL CHECK (json_valid(extra))
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE generations (
    worker TEXT NOT NULL, counter INTEGER NOT NULL, digest TEXT NOT NULL, runtime TEXT NOT NULL, written TEXT NOT NULL CHECK (json_valid(written)),
    base_dir TEXT NOT NULL, artifact TEXT NOT NULL CHECK (json_valid(artifact)), secrets TEXT NOT NULL CHECK (json_valid(secrets)),
    created_at TEXT NOT NULL, PRIMARY KEY (worker, counter)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE instances (
    worker TEXT NOT NULL, instance TEXT NOT NULL, generation TEXT NOT NULL, runtime TEXT NOT NULL, state TEXT NOT NULL,
    handle TEXT CHECK (json_valid(handle)), engine TEXT, intended_at TEXT NOT NULL, started_at TEXT, exit TEXT CHECK (json_valid(exit)),
    stop_cause TEXT, PRIMARY KEY (worker, instance)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE agent_values (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL CHECK (json_valid(value))) STRICT, WITHOUT ROWID;
  CREATE TABLE journal (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, type TEXT NOT NULL, worker TEXT, instance TEXT, text TEXT NOT NULL,
    data TEXT NOT NULL CHECK (json_valid(data))
  ) STRICT;
  CREATE INDEX journal_of_worker ON journal (worker, cursor);
  `,
];

/** The form that this code reads and writes. */
export const currentForm = migrations.length;

export function formOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
}

/**
 * Brings an open store to the last form of `list`, in one transaction; a failure leaves the file as it was. Before an older store is changed, a
 * copy of it is kept beside it as `<path>.before-<new form>`; returns that path, `null` when nothing old was changed.
 */
export function migrate(db: DatabaseSync, path: string, list: readonly string[] = migrations): string | null {
  const from = formOf(db);
  const to = list.length;
  if (from >= to) return null;
  const copy = from > 0 ? `${path}.before-${to}` : null;
  if (copy) keepCopy(db, copy);
  db.exec('BEGIN IMMEDIATE');
  try {
    for (const step of list.slice(from)) db.exec(step);
    db.exec(`PRAGMA user_version = ${to}`);
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
  // The form stands in the header of the file, where an older agent looks before it opens anything: bring it there now.
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  return copy;
}

/** By SQLite, not by a copy of the file: the write-ahead log is part of the store, and closing any descriptor of the file would drop its lock (fcntl(2)). */
function keepCopy(db: DatabaseSync, copy: string): void {
  const unfinished = `${copy}.new`;
  rmSync(unfinished, { force: true });
  db.prepare('VACUUM INTO ?').run(unfinished);
  if (existsSync(copy)) rmSync(copy);
  renameSync(unfinished, copy);
}
