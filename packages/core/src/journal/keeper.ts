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

/** By age no more often than this: it reads the journal. */
const agedEveryMs = 6 * 3_600_000;
const dayMs = 86_400_000;

export function keeper(store: Store, record: (batch: Batch) => Promise<unknown>, options: KeepOptions): Keeper {
  const { keepEntries, keepDays, log, nowMs = Date.now } = options;
  const every = Math.max(1, Math.min(1000, Math.floor(keepEntries / 10)));
  /** How many there are; `null` until the journal was read once. */
  let total: number | null = null;
  let agedAtMs = Number.NEGATIVE_INFINITY;
  let arrived = 0;
  let sinceTrim = 0;
  let running: Promise<void> | null = null;

  async function trim(): Promise<void> {
    let keep = keepEntries;
    const now = nowMs();
    if (total === null || now - agedAtMs >= agedEveryMs) {
      agedAtMs = now;
      arrived = 0;
      const records = await store.journal({});
      // Recorded while the journal was read: perhaps not among what was read, and young in any case.
      const meanwhile = arrived;
      const oldest = new Date(now - keepDays * dayMs).toISOString();
      const young = records.findIndex((r) => r.at >= oldest);
      total = records.length + meanwhile;
      keep = Math.min(keepEntries, young < 0 ? 0 : records.length - young) + meanwhile;
    }
    const dropped = total - keep;
    if (dropped <= 0) return;
    await store.trimJournal(keep);
    total -= dropped;
    await record({ journal: [agentEntries['journal.trimmed'](new Date(now).toISOString(), { dropped, keepEntries, keepDays })] });
  }

  return {
    recorded(entries) {
      if (total !== null) total += entries;
      arrived += entries;
      sinceTrim += entries;
      if (sinceTrim < every || running) return;
      sinceTrim = 0;
      running = trim()
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
