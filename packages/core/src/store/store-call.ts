import type { Problem } from '../base/problem.ts';
import type { FailureData } from './group.ts';
import type { Batch, JournalQuery } from './store.ts';

/** What the store's thread is given at its start. */
export interface ThreadData {
  readonly dataDir: string;
  readonly reserveBytes: number;
}

/** What is asked of the store's thread; it answers each call in the order they came. */
export type StoreCall =
  | { readonly op: 'load' }
  | { readonly op: 'commit'; readonly batches: readonly Batch[] }
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
