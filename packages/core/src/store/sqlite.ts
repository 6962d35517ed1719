import type { Worker } from 'node:worker_threads';
import type { Logger } from '@ostler/sdk';
import { type Problem, problem } from '../base/problem.ts';
import { storeFailure } from './failure.ts';
import type { Outcome } from './group.ts';
import type { JournalRecord } from './records.ts';
import { startStoreThread } from './start-thread.ts';
import type { Snapshot, Store } from './store.ts';
import type { ThreadData } from './store-call.ts';
import { type StoreThread, storeThread } from './thread-client.ts';

export interface StoreOptions {
  /** An existing directory of the agent's own: see `openDataDir`. */
  readonly dataDir: string;
  /** Of `startStoreThread`, where it was started early; default: one of its own. */
  readonly thread?: Worker | undefined;
  readonly log?: Logger | undefined;
  /** `true`: there was no room and the reserve was given up (or could not be made); `false`: it is there again. */
  readonly onFull?: ((isFull: boolean) => void) | undefined;
  /** A call has taken `slowAfterMs` and still runs: said once for each call, which is not abandoned. */
  readonly onSlow?: ((slow: { readonly op: string; readonly afterMs: number }) => void) | undefined;
  /** Default 30 s. */
  readonly slowAfterMs?: number | undefined;
  /** Default 1 MiB. */
  readonly reserveBytes?: number | undefined;
}

/** More than this many batches in one transaction would make the first wait for the last. */
const groupLimit = 256;

interface Waiting {
  readonly batch: string;
  readonly resolve: (records: readonly JournalRecord[]) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Opens the store of a data directory and holds its lock until `close()` or the end of the process. Rejects with a problem: `agent-is-running`,
 * `store-newer`, `data-dir-full`, `data-dir-not-writable`. A damaged store is set aside (`setAside`) and an empty one begun.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { log, onFull } = options;
  const data: ThreadData = { dataDir: options.dataDir, reserveBytes: options.reserveBytes ?? 1_048_576 };
  const worker = options.thread ?? startStoreThread();
  const thread = storeThread(worker, {
    slowAfterMs: options.slowAfterMs ?? 30_000,
    onSlow(slow) {
      log?.warn({ op: slow.op, afterMs: slow.afterMs }, 'the store is slow: a call has not finished yet');
      options.onSlow?.(slow);
    },
    onFull(isFull) {
      if (isFull) log?.warn({ dataDir: options.dataDir }, 'the disk of the data directory is full: the reserve was given up');
      else log?.info({ dataDir: options.dataDir }, 'the disk of the data directory has room again');
      onFull?.(isFull);
    },
  });
  worker.ref();
  worker.postMessage(data);
  const opened = await thread.opened.catch((error: Error | Problem) => {
    throw 'code' in error ? problem(error as Problem) : error;
  });
  if (opened.setAside) log?.error({ path: opened.setAside.path, why: opened.setAside.why }, 'the store was damaged: it was set aside and an empty one begun');
  if (opened.before) log?.info({ copy: opened.before }, 'the store was brought to a new form: a copy of the old one was kept');
  return { path: opened.path, setAside: opened.setAside?.path ?? null, ...methods(thread) };
}

function methods(thread: StoreThread): Omit<Store, 'path' | 'setAside'> {
  let waiting: Waiting[] = [];
  let committing: Promise<void> | null = null;
  let closing: Promise<void> | null = null;

  async function commitWaiting(): Promise<void> {
    // What is asked for in the same breath shares the first transaction.
    await null;
    while (waiting.length > 0) {
      const group = waiting.slice(0, groupLimit);
      waiting = waiting.slice(groupLimit);
      try {
        const answer = await thread.call({ op: 'commit', batches: group.map((w) => w.batch) });
        const outcomes = JSON.parse(answer as string) as readonly Outcome[];
        for (const [i, { resolve, reject }] of group.entries()) {
          const outcome = outcomes[i]!;
          if ('records' in outcome) resolve(outcome.records);
          else reject(storeFailure(outcome.failure.code, outcome.failure.message));
        }
      } catch (error) {
        for (const { reject } of group) reject(error as Error);
      }
    }
    committing = null;
  }

  function refused<T>(): Promise<T> {
    return Promise.reject(storeFailure('closed', 'the store is closed'));
  }

  return {
    load: () => (closing ? refused() : (thread.call({ op: 'load' }) as Promise<Snapshot>)),
    journal: (query) => (closing ? refused() : (thread.call({ op: 'journal', query }) as Promise<readonly JournalRecord[]>)),
    trimJournal: (keep, before) => (closing ? refused() : (thread.call({ op: 'trim', keep, before }) as Promise<number>)),
    commit(batch) {
      if (closing) return refused();
      return new Promise((resolve, reject) => {
        let written: string;
        try {
          // Here and not when the group is sent: what cannot be written fails alone, and what the caller changes later does not count.
          written = JSON.stringify(batch);
          // JSON leaves out silently what it has no word for. Rows have columns that would miss it; a value has only this.
          structuredClone(batch.values);
        } catch (error) {
          reject(storeFailure('io', `the store refused the change: ${(error as Error).message}`, error));
          return;
        }
        waiting.push({ batch: written, resolve, reject });
        committing ??= commitWaiting();
      });
    },
    close() {
      closing ??= (async () => {
        await committing;
        await thread.close();
      })();
      return closing;
    },
  };
}
