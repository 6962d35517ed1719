import type { Json } from '@ostler/sdk';
import type { GenerationRecord, InstanceRecord, JournalEntry, JournalRecord, WorkerRecord } from './records.ts';

/** Changes that become true together: one transaction. Rows are replaced whole, by their key. */
export interface Batch {
  readonly workers?: readonly WorkerRecord[];
  readonly instances?: readonly InstanceRecord[];
  readonly generations?: readonly GenerationRecord[];
  /** Rows that end: a removed worker with all that is its own (its journal stays); an instance. */
  readonly forgetWorkers?: readonly string[];
  readonly forgetInstances?: readonly { readonly worker: string; readonly instance: string }[];
  /** Agent-wide values by name: `applied` (the host file as last applied) … */
  readonly values?: Readonly<Record<string, Json>>;
  readonly journal?: readonly JournalEntry[];
}

/** All that supervision needs at boot. */
export interface Snapshot {
  readonly workers: readonly WorkerRecord[];
  readonly instances: readonly InstanceRecord[];
  readonly generations: readonly GenerationRecord[];
  readonly values: Readonly<Record<string, Json>>;
}

export interface JournalQuery {
  readonly afterCursor?: number | undefined;
  readonly since?: string | undefined;
  readonly worker?: string | undefined;
  /** At most so many, the newest of them, in ascending order. */
  readonly limit?: number | undefined;
}

/**
 * What must survive. One writer for life: the lock is exclusive. Every method rejects with a {@link StoreFailure} when the disk is full,
 * slow beyond its deadline, or broken; nothing of a rejected batch is true.
 */
export interface Store {
  readonly path: string;
  /** Said once, after open: the damaged file was set aside under this name, and the store is empty. */
  readonly setAside: string | null;
  load(): Promise<Snapshot>;
  /** Durable when it resolves; resolves with the journal entries as they were recorded, cursors included. Batches in flight share a transaction (group commit), in order. */
  commit(batch: Batch): Promise<readonly JournalRecord[]>;
  journal(query: JournalQuery): Promise<readonly JournalRecord[]>;
  /**
   * Drops the oldest entries beyond `keep`, and those at the beginning that are older than `before` (RFC 3339), but never the newest; cursors go on.
   * Resolves with how many were dropped.
   */
  trimJournal(keep: number, before?: string): Promise<number>;
  close(): Promise<void>;
}

export type StoreFailureCode = 'full' | 'io' | 'closed';
export interface StoreFailure {
  readonly code: StoreFailureCode;
  readonly message: string;
}
