import type { DatabaseSync } from 'node:sqlite';
import type { JournalRecord } from './records.ts';
import { sqliteTrouble } from './sqlite-error.ts';
import type { Batch, StoreFailureCode } from './store.ts';
import type { Tables } from './tables.ts';

/** A StoreFailure on its way between the threads. */
export interface FailureData {
  readonly code: StoreFailureCode;
  readonly message: string;
}
export type Outcome = { readonly records: readonly JournalRecord[] } | { readonly failure: FailureData };

export interface Room {
  /** Gives up the reserve; true when there was one. */
  release(): boolean;
}

/**
 * Batches that share a transaction, in order; one outcome for each. A batch whose rows are refused fails alone. Without room the reserve is released
 * and the group tried once more; if that fails too, each batch is tried by itself, so that a large one does not fail the small ones beside it.
 */
export function commitGroup(db: DatabaseSync, tables: Tables, batches: readonly Batch[], room: Room): Outcome[] {
  try {
    return transact(db, tables, batches);
  } catch (error) {
    if (sqliteTrouble(error) !== 'full') return batches.map(() => ({ failure: failureOf(error) }));
    if (!room.release() && batches.length === 1) return [{ failure: failureOf(error) }];
  }
  try {
    return transact(db, tables, batches);
  } catch (error) {
    if (batches.length === 1 || sqliteTrouble(error) !== 'full') return batches.map(() => ({ failure: failureOf(error) }));
  }
  return batches.flatMap((batch) => {
    try {
      return transact(db, tables, [batch]);
    } catch (error) {
      return [{ failure: failureOf(error) }];
    }
  });
}

/** Throws where the whole transaction failed. */
function transact(db: DatabaseSync, tables: Tables, batches: readonly Batch[]): Outcome[] {
  db.exec('BEGIN IMMEDIATE');
  try {
    const outcomes = batches.map((batch) => attempt(db, tables, batch));
    db.exec('COMMIT');
    return outcomes;
  } catch (error) {
    // SQLite has rolled back by itself after some errors: https://www.sqlite.org/lang_transaction.html
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function attempt(db: DatabaseSync, tables: Tables, batch: Batch): Outcome {
  db.exec('SAVEPOINT batch');
  try {
    const records = tables.apply(batch);
    db.exec('RELEASE batch');
    return { records };
  } catch (error) {
    if (sqliteTrouble(error) !== 'refused') throw error;
    db.exec('ROLLBACK TO batch; RELEASE batch');
    return { failure: failureOf(error) };
  }
}

export function failureOf(error: unknown): FailureData {
  const message = error instanceof Error ? error.message : String(error);
  const trouble = sqliteTrouble(error);
  if (trouble === 'full') return { code: 'full', message: `the disk of the data directory is full (${message}): nothing of this change was kept` };
  if (trouble === 'refused') return { code: 'io', message: `the store refused the change: ${message}` };
  if (trouble === 'damaged') return { code: 'io', message: `the store is damaged (${message}): it is set aside when the agent starts again` };
  return { code: 'io', message: `the store could not be written or read: ${message}` };
}
