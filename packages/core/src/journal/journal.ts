import type { Batch, JournalQuery, JournalRecord, Store } from '../store/index.ts';
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

export interface Journal {
  /** Commits, then announces: nobody hears of what might still be lost. The one way to write entries that followers are to see. */
  record(batch: Batch): Promise<readonly JournalRecord[]>;
  /** Each record once, in order, over the seam between what is stored and what comes; ends with `signal` or `close()`. What was already trimmed is not told. */
  follow(options: FollowOptions, signal: AbortSignal): AsyncIterableIterator<JournalRecord>;
  query(query: JournalQuery): Promise<readonly JournalRecord[]>;
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
    const records = await store.commit(batch);
    if (records.length === 0) return records;
    newest = records.at(-1)!.cursor;
    bus.publish(records);
    trimming.recorded(records.length);
    return records;
  }

  function follow({ afterCursor, worker }: FollowOptions, signal: AbortSignal): AsyncIterableIterator<JournalRecord> {
    // Heard from here on, not from the first `next()`: what is recorded in between must not fall into the seam.
    const live = bus.subscribe(signal);
    const from = afterCursor ?? newest ?? newestAtOpen;
    return (async function* () {
      try {
        let last = await from;
        let mustRead = true;
        while (!signal.aborted) {
          if (mustRead) {
            mustRead = false;
            for (const stored of await store.journal({ afterCursor: last, worker })) {
              if (signal.aborted) return;
              last = stored.cursor;
              yield stored;
            }
          }
          const heard = await live.next();
          if (heard.done) return;
          if (heard.value.is === 'gap') {
            mustRead = true;
            continue;
          }
          const { item } = heard.value;
          if (item.cursor <= last || (worker !== undefined && item.worker !== worker)) continue;
          last = item.cursor;
          yield item;
        }
      } finally {
        await live.return?.();
      }
    })();
  }

  return {
    record,
    follow,
    query: (query) => store.journal(query),
    async close() {
      bus.close();
      await trimming.settled();
    },
  };
}
