import { type Batch, isStoreFailure } from '../store/index.ts';
import type { Services } from './services.ts';

/** How long until a commit that the store refused is tried again. */
const storeRetryMs = 1000;

interface Saved {
  readonly worker: string;
  readonly services: Services;
  readonly isClosed: boolean;
  /** It is no more, and only its rows are to go. */
  readonly isForgotten: boolean;
}

interface Waiting {
  readonly batch: Batch;
  readonly resolve: (isSaved: boolean) => void;
}

/**
 * Persists what was decided about one worker, in order: what is decided in one turn of the loop, or while a commit is under way, is one batch. A fact
 * stays a fact on a full disk: it is tried, with what came since, until it is persisted or this agent ends.
 */
export class Saver {
  readonly #of: Saved;
  #waiting: Waiting[] = [];
  #saving: Promise<void> | null = null;

  constructor(of: Saved) {
    this.#of = of;
  }

  /** Resolves with `true` when it is persisted, with `false` when it never will be. */
  save(batch: Batch): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiting.push({ batch, resolve });
      this.#saving ??= this.#saveAll();
    });
  }

  /** Resolves when nothing waits. */
  async settled(): Promise<void> {
    await this.#saving;
  }

  async #saveAll(): Promise<void> {
    await this.#of.services.clock.turn();
    let isFirst = true;
    while (this.#waiting.length > 0) {
      const taken = this.#waiting;
      this.#waiting = [];
      const outcome = await this.#commit(merged(taken.map(({ batch }) => batch)), isFirst);
      isFirst = outcome !== 'refused';
      if (outcome === 'refused') {
        this.#waiting = [...taken, ...this.#waiting];
        await this.#of.services.clock.sleep(storeRetryMs);
      } else for (const { resolve } of taken) resolve(outcome === 'kept');
    }
    // In the same breath as the look at what waits, or one that comes between would be left.
    this.#saving = null;
  }

  async #commit(batch: Batch, isFirst: boolean): Promise<'kept' | 'refused' | 'lost'> {
    const { services, worker, isClosed, isForgotten } = this.#of;
    try {
      await services.journal.record(batch);
      return 'kept';
    } catch (error) {
      if ((isClosed && !isForgotten) || (isStoreFailure(error) && error.code === 'closed')) return 'lost';
      if (isFirst) services.log.warn({ worker, error: (error as Error).message }, 'the store refused a change; nothing is done until it is kept');
      return 'refused';
    }
  }
}

/** Of rows that occur twice the later one counts; of what is forgotten, which is the last that is saved of it, none. */
function merged(batches: readonly Batch[]): Batch {
  const [only] = batches;
  if (only !== undefined && batches.length === 1) return only;
  const forgetWorkers = batches.flatMap((batch) => batch.forgetWorkers ?? []);
  const journal = batches.flatMap((batch) => batch.journal ?? []);
  if (forgetWorkers.length > 0) return { journal, forgetWorkers };
  const instances = new Map(batches.flatMap((batch) => batch.instances ?? []).map((record) => [record.instance, record]));
  return {
    workers: batches.flatMap((batch) => batch.workers ?? []).slice(-1),
    instances: [...instances.values()],
    generations: batches.flatMap((batch) => batch.generations ?? []),
    journal,
  };
}
