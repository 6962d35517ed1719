import type { Batch, JournalQuery, JournalRecord, Store } from '../store/index.ts';
import { agentEntries } from './agent-entries.ts';
import { bounded } from './bounded.ts';
import { openBus } from './bus.ts';
import { type KeepOptions, keeper } from './keeper.ts';

export interface JournalOptions extends KeepOptions {
  /** How many entries wait for a slow follower before it reads from the store again. */
  readonly followBuffer?: number | undefined;
}

export interface FollowOptions {
  /** Everything after this; left out: what is recorded from now on. */
  readonly afterCursor?: number | undefined;
  readonly worker?: string | undefined;
}

/**
 * Whoever reads after a cursor gets each record after it once, in order. Where some were dropped before they could be read, a record `journal.gap` stands in
 * their place, with the cursor of the last of them: it is told, whatever is filtered, and nothing is ever left out silently.
 */
export interface Journal {
  /** Commits, then announces: nobody hears of what might still be lost. The one way to write entries that followers are to see. */
  record(batch: Batch): Promise<readonly JournalRecord[]>;
  /** Over the seam between what is stored and what comes; ends with `signal` or `close()`. */
  follow(options: FollowOptions, signal: AbortSignal): AsyncIterableIterator<JournalRecord>;
  query(query: JournalQuery): Promise<readonly JournalRecord[]>;
  /** The cursor of the newest record that anybody can have seen; 0 = there was none yet. */
  newest(): Promise<number>;
  /** Ends the followers and waits for what runs in the background; the store stays open. */
  close(): Promise<void>;
}

export function openJournal(store: Store, options: JournalOptions): Journal {
  const bus = openBus<JournalRecord>(options.followBuffer);
  const trimming = keeper(store, record, options);
  // Asked before anything is recorded here, so that "from now on" has a place to begin.
  const newestAtOpen = store.journal({ limit: 1 }).then((records) => records.at(-1)?.cursor ?? 0);
  newestAtOpen.catch(() => {});
  let newest: number | null = null;

  async function record(batch: Batch): Promise<readonly JournalRecord[]> {
    const records = await store.commit(batch.journal === undefined ? batch : { ...batch, journal: batch.journal.map(bounded) });
    if (records.length === 0) return records;
    newest = records.at(-1)!.cursor;
    bus.publish(records);
    trimming.recorded(records.length);
    return records;
  }

  /** All that is kept after a cursor, and before it what is not there any more. Every worker's: what was dropped may have been anybody's. */
  async function after(cursor: number): Promise<readonly JournalRecord[]> {
    const records = await store.journal({ afterCursor: cursor });
    const gap = gapBefore(records[0], cursor);
    return gap === null ? records : [gap, ...records];
  }

  async function query(asked: JournalQuery): Promise<readonly JournalRecord[]> {
    const { afterCursor, since, worker, limit } = asked;
    if (afterCursor === undefined) return store.journal(asked);
    const records = await after(afterCursor);
    const gap = records.slice(0, 1).filter(({ type }) => type === 'journal.gap');
    const fits = records.slice(gap.length).filter((one) => (worker === undefined || one.worker === worker) && (since === undefined || one.at >= since));
    return [...gap, ...(limit === undefined ? fits : fits.slice(Math.max(0, fits.length - limit)))];
  }

  function follow({ afterCursor, worker }: FollowOptions, signal: AbortSignal): AsyncIterableIterator<JournalRecord> {
    // Heard from here on, not from the first `next()`: what is recorded in between must not fall into the seam.
    const live = bus.subscribe(signal);
    const from = afterCursor ?? newest ?? newestAtOpen;
    const isWanted = (one: JournalRecord): boolean => worker === undefined || one.worker === worker || one.type === 'journal.gap';
    return (async function* () {
      try {
        let last = await from;
        let mustRead = true;
        while (!signal.aborted) {
          if (mustRead) {
            mustRead = false;
            for (const stored of await after(last)) {
              if (signal.aborted) return;
              last = stored.cursor;
              if (isWanted(stored)) yield stored;
            }
          }
          const heard = await live.next();
          if (heard.done) return;
          // Where something is missing the store has it, or knows that it was dropped.
          if (heard.value.is === 'gap' || heard.value.item.cursor > last + 1) {
            mustRead = true;
            continue;
          }
          const { item } = heard.value;
          if (item.cursor <= last) continue;
          last = item.cursor;
          if (isWanted(item)) yield item;
        }
      } finally {
        await live.return?.();
      }
    })();
  }

  return {
    record,
    follow,
    query,
    newest: async () => newest ?? (await newestAtOpen),
    async close() {
      bus.close();
      await trimming.settled();
    },
  };
}

/** Cursors go on by one. `first`: the first record that is kept after a cursor. */
function gapBefore(first: JournalRecord | undefined, cursor: number): JournalRecord | null {
  if (first === undefined || first.cursor <= cursor + 1) return null;
  const through = first.cursor - 1;
  return { ...agentEntries['journal.gap'](first.at, { from: cursor + 1, through }), cursor: through };
}
