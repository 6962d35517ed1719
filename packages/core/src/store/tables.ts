import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Columns, generations, instances, journal, values, workers } from './columns.ts';
import type { JournalRecord } from './records.ts';
import type { Batch, JournalQuery, Snapshot } from './store.ts';

/** The statements of an open store. Synchronous: for the store's thread only. */
export interface Tables {
  /** Within the caller's transaction: first what is forgotten, then what is written, so that a batch can replace a worker by a new one of its name. */
  apply(batch: Batch): JournalRecord[];
  load(): Snapshot;
  journal(query: JournalQuery): JournalRecord[];
  trimJournal(keep: number, before?: string): number;
}

export function openTables(db: DatabaseSync): Tables {
  const putWorker = upsert(db, workers);
  const putInstance = upsert(db, instances);
  const putGeneration = upsert(db, generations);
  const putValue = upsert(db, values);
  const append = db.prepare(`INSERT INTO journal (${journal.names.join(', ')}) VALUES (${journal.names.map(() => '?').join(', ')})`);
  const forgetWorker = ['workers', 'instances', 'generations'].map((table) => db.prepare(`DELETE FROM ${table} WHERE worker = ?`));
  const forgetInstance = db.prepare('DELETE FROM instances WHERE worker = ? AND instance = ?');
  const trim = db.prepare('DELETE FROM journal WHERE cursor <= (SELECT cursor FROM journal ORDER BY cursor DESC LIMIT 1 OFFSET ?)');
  // By the first that is young enough: what a clock that was wrong for a while wrote later does not take everything before it along.
  const firstSince = db.prepare('SELECT cursor FROM journal WHERE at >= ? ORDER BY cursor LIMIT 1');
  const trimBelow = db.prepare('DELETE FROM journal WHERE cursor < coalesce(?, (SELECT max(cursor) FROM journal))');
  return {
    apply(batch) {
      for (const worker of batch.forgetWorkers ?? []) for (const statement of forgetWorker) statement.run(worker);
      for (const { worker, instance } of batch.forgetInstances ?? []) forgetInstance.run(worker, instance);
      for (const record of batch.generations ?? []) putGeneration.run(...generations.put(record));
      for (const record of batch.instances ?? []) putInstance.run(...instances.put(record));
      for (const record of batch.workers ?? []) putWorker.run(...workers.put(record));
      for (const entry of Object.entries(batch.values ?? {})) putValue.run(...values.put(entry));
      return (batch.journal ?? []).map((entry) => ({ ...entry, cursor: Number(append.run(...journal.put(entry)).lastInsertRowid) }));
    },
    load: () => ({
      workers: all(db, workers),
      instances: all(db, instances),
      generations: all(db, generations),
      values: Object.fromEntries(all(db, values)),
    }),
    journal: (query) => readJournal(db, query),
    trimJournal(keep, before) {
      const beyond = Number(trim.run(Math.max(1, keep)).changes);
      if (before === undefined) return beyond;
      const first = firstSince.get(before)?.['cursor'] as number | undefined;
      return beyond + Number(trimBelow.run(first ?? null).changes);
    },
  };
}

function upsert<T>(db: DatabaseSync, { table, names }: Columns<T>): StatementSync {
  return db.prepare(`INSERT OR REPLACE INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`);
}

function all<T>(db: DatabaseSync, columns: Columns<T>): T[] {
  return db
    .prepare(`SELECT ${columns.names.join(', ')} FROM ${columns.table}`)
    .all()
    .map(columns.take);
}

function readJournal(db: DatabaseSync, query: JournalQuery): JournalRecord[] {
  const where: string[] = [];
  const bound: (string | number)[] = [];
  const narrow = (condition: string, value: string | number | undefined) => {
    if (value === undefined) return;
    where.push(condition);
    bound.push(value);
  };
  narrow('cursor > ?', query.afterCursor);
  narrow('at >= ?', query.since);
  narrow('worker = ?', query.worker);
  const condition = where.length > 0 ? `WHERE ${where.join(' AND ')}` : '';
  const limit = query.limit === undefined ? '' : `LIMIT ${Math.max(0, Math.trunc(query.limit))}`;
  const rows = db.prepare(`SELECT cursor, ${journal.names.join(', ')} FROM journal ${condition} ORDER BY cursor DESC ${limit}`).all(...bound);
  return rows.map(journal.take).reverse();
}
