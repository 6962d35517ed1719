import type { Logger } from '@ostler/sdk';
import type { Batch, Store } from '../store/index.ts';
import { agentEntries } from './agent-entries.ts';

export interface KeepOptions {
  /** The newest so many are kept, give or take a tenth. */
  readonly keepEntries: number;
  readonly keepDays: number;
  /** Epoch ms; default `Date.now`. */
  readonly nowMs?: (() => number) | undefined;
  readonly log?: Logger | undefined;
}

/** Keeps the journal within its bounds, beside the commits: no commit waits for it, and its failure is only logged. */
export interface Keeper {
  recorded(entries: number): void;
  settled(): Promise<void>;
}

/** By age at the first entry and then as often, however few come. */
const agedEveryMs = 6 * 3_600_000;
const dayMs = 86_400_000;

export function keeper(store: Store, record: (batch: Batch) => Promise<unknown>, options: KeepOptions): Keeper {
  const { keepEntries, keepDays, log, nowMs = Date.now } = options;
  const every = Math.max(1, Math.min(1000, Math.floor(keepEntries / 10)));
  let agedAtMs = Number.NEGATIVE_INFINITY;
  let sinceTrim = 0;
  let running: Promise<void> | null = null;

  async function trim(now: number): Promise<void> {
    const dropped = await store.trimJournal(keepEntries, new Date(now - keepDays * dayMs).toISOString());
    if (dropped === 0) return;
    await record({ journal: [agentEntries['journal.trimmed'](new Date(now).toISOString(), { dropped, keepEntries, keepDays })] });
  }

  return {
    recorded(entries) {
      sinceTrim += entries;
      const now = nowMs();
      // A clock that was set back must not put it off.
      const isAged = Math.abs(now - agedAtMs) >= agedEveryMs;
      if (running || (sinceTrim < every && !isAged)) return;
      sinceTrim = 0;
      agedAtMs = now;
      running = trim(now)
        .catch((error) => log?.warn({ error: String(error) }, 'the journal could not be trimmed'))
        .finally(() => {
          running = null;
        });
    },
    async settled() {
      await running;
    },
  };
}
