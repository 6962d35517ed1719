import type { JournalEntry } from '../store/index.ts';
import { agentEntries } from './agent-entries.ts';
import { durationText } from './duration-text.ts';
import { type OfWorker, workerEntries } from './worker-entries.ts';

/** A call to a runtime that has not come back within its deadline. */
interface StuckCall {
  readonly runtime: string;
  readonly call: string;
  readonly afterMs: number;
}

/**
 * The closed list of what the journal can say, by type: `entries['worker.exited'](of, facts)`. Each builder gives one plain sentence and its data.
 * Types are part of what clients read: append, never rename.
 */
export const entries = {
  ...agentEntries,
  ...workerEntries,
  'call.stuck': (of: { at: string; worker: string | null; instance: string | null }, { runtime, call, afterMs }: StuckCall): JournalEntry => ({
    ...{ at: of.at, type: 'call.stuck', worker: of.worker, instance: of.instance },
    text: `The runtime ${runtime} has not answered \`${call}\` for ${durationText(afterMs)}: it is waited for, nothing else is tried.`,
    data: { runtime, call, afterMs },
  }),
} as const;

export type EntryType = keyof typeof entries;
export type { OfWorker };
