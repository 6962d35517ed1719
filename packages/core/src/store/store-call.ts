import type { Problem } from '../base/problem.ts';
import type { FailureData } from './group.ts';
import type { JournalQuery } from './store.ts';

/** What the store's thread is given at its start. */
export interface ThreadData {
  readonly dataDir: string;
  readonly reserveBytes: number;
}

/**
 * What is asked of the store's thread; it answers each call in the order they came. Batches and what became of them go as JSON: written once, at the
 * commit, and a message of text costs a third of one of objects (measured, 4,000 batches: 6 ms for 24).
 */
export type StoreCall =
  | { readonly op: 'load' }
  | { readonly op: 'commit'; readonly batches: readonly string[] }
  | { readonly op: 'journal'; readonly query: JournalQuery }
  | { readonly op: 'trim'; readonly keep: number; readonly before: string | undefined }
  | { readonly op: 'close' };

export type ThreadMessage =
  /** First of all, one of these two. */
  | { readonly is: 'open'; readonly path: string; readonly setAside: { readonly path: string; readonly why: string } | null; readonly before: string | null }
  | { readonly is: 'problem'; readonly problem: Problem }
  | { readonly is: 'answer'; readonly value: unknown }
  | { readonly is: 'failure'; readonly failure: FailureData }
  /** The reserve was given up (`true`) or is there again (`false`). */
  | { readonly is: 'full'; readonly isFull: boolean };
