import { deepStrictEqual } from 'node:assert';
import { DatabaseSync } from 'node:sqlite';
import type { Json } from '@ostler/sdk';
import { storeFailure } from '../../src/store/failure.ts';
import { commitGroup } from '../../src/store/group.ts';
import type { Batch, GenerationRecord, InstanceRecord, JournalQuery, JournalRecord, Snapshot, Store, WorkerRecord } from '../../src/store/index.ts';
import { migrate } from '../../src/store/migrations.ts';
import { openTables } from '../../src/store/tables.ts';
import type { Owner } from './timeline.ts';

interface Commit {
  readonly owner: Owner;
  readonly batch: Batch;
  readonly resolve: (records: readonly JournalRecord[]) => void;
  readonly reject: (error: Error) => void;
  records: readonly JournalRecord[] | null;
}

/** The agent's own tables, in memory; beside the ones of the story they show whether what is read is what was written. */
class Sqlite {
  readonly #db = new DatabaseSync(':memory:');
  readonly #tables: ReturnType<typeof openTables>;

  constructor() {
    migrate(this.#db, ':memory:');
    this.#tables = openTables(this.#db);
  }

  commit(batch: Batch, expected: readonly JournalRecord[]): void {
    const [outcome] = commitGroup(this.#db, this.#tables, [batch], { release: () => false });
    deepStrictEqual(outcome, { records: expected }, 'a batch is not answered as it was written');
  }

  load(expected: Snapshot): Snapshot {
    const found = this.#tables.load();
    for (const name of ['workers', 'instances', 'generations'] as const)
      deepStrictEqual(new Set<unknown>(found[name]), new Set<unknown>(expected[name]), `the ${name} are not read as they were written`);
    deepStrictEqual(found.values, expected.values);
    return found;
  }

  trim(keep: number, before: string | undefined, expected: readonly JournalRecord[]): void {
    this.#tables.trimJournal(keep, before);
    deepStrictEqual(this.#tables.journal({}), expected, 'the journal has not those that it was to keep');
  }

  journal(query: JournalQuery, expected: readonly JournalRecord[]): readonly JournalRecord[] {
    const found = this.#tables.journal(query);
    deepStrictEqual(found, expected, 'the journal is not read as it was written');
    return found;
  }
}

/** What is on the disk, and the commits on their way to it: each is written in one step and acknowledged in another, between which an agent may die. */
export class Disk {
  readonly workers = new Map<string, WorkerRecord>();
  readonly instances = new Map<string, InstanceRecord>();
  readonly generations = new Map<string, GenerationRecord>();
  readonly values = new Map<string, Json>();
  /** Another list after a loss. */
  journal: JournalRecord[] = [];
  /** Of each of its entries, the agent that wrote it. */
  writers: Owner[] = [];
  isFull = false;
  /** Something was refused, and is tried again after a while. */
  hasRefused = false;
  /** How often an instance that was taken away could not be forgotten: it is, with the others, after the next start. */
  unforgotten = 0;
  /** How often something was written: what has to do with the disk alone is as it was as long as this is. */
  writes = 0;
  /** How often each agent had what is too old taken away. Nothing ever is: the judges read all of it. */
  readonly trims = new Map<Owner, number>();
  #sqlite: Sqlite | null;
  #asked: Commit[] = [];
  #written: Commit[] = [];

  /** `isReal`: with SQLite, which takes its time. */
  constructor(isReal: boolean) {
    this.#sqlite = isReal ? new Sqlite() : null;
  }

  /** Reads all of it, as the next agent would; throws where that is not what was written. */
  reread(): void {
    this.#sqlite?.load(this.#snapshot());
  }

  hasWork(): boolean {
    return this.#asked.length > 0 || this.#written.length > 0;
  }

  /** Goes on with one commit: written, or refused, or acknowledged. Those of dead agents were lost with them. */
  step(): void {
    const isAlive = ({ owner }: Commit): boolean => !owner.isDead;
    this.#asked = this.#asked.filter(isAlive);
    this.#written = this.#written.filter(isAlive);
    const acknowledged = this.#written.shift();
    if (acknowledged !== undefined) {
      acknowledged.resolve(acknowledged.records ?? []);
      return;
    }
    const next = this.#asked.shift();
    if (next === undefined) return;
    if (this.isFull) {
      this.hasRefused = true;
      this.unforgotten += next.batch.forgetInstances?.length ?? 0;
      next.reject(storeFailure('full', 'the simulated disk is full'));
      return;
    }
    next.records = this.#apply(next);
    this.#written.push(next);
  }

  /** The story is over, and what is too old is taken away. `share`: of the journal, from where on it is young enough; `null` = all of it is. */
  trim(keep: number, share: number | null): void {
    const before = share === null ? undefined : this.journal[Math.floor(share * this.journal.length)]?.at;
    const last = this.journal.slice(-keep);
    const first = before === undefined ? 0 : last.findIndex(({ at }) => at >= before);
    this.#sqlite?.trim(keep, before, last.slice(first));
  }

  /** All that it had, as after a store that could not be read was set aside. */
  lose(): void {
    for (const table of [this.workers, this.instances, this.generations, this.values]) table.clear();
    this.journal = [];
    this.writers = [];
    this.writes += 1;
    this.#sqlite = this.#sqlite && new Sqlite();
    this.#asked = [];
    this.#written = [];
  }

  open(owner: Owner): Store {
    const unlessDead = <X>(answer: () => X): Promise<X> => (owner.isDead ? new Promise(() => {}) : Promise.resolve(answer()));
    return {
      path: ':simulated:',
      setAside: null,
      load: () =>
        unlessDead(() => {
          const kept = this.#snapshot();
          return this.#sqlite?.load(kept) ?? kept;
        }),
      commit: (batch) =>
        new Promise((resolve, reject) => {
          if (!owner.isDead) this.#asked.push({ owner, batch, resolve, reject, records: null });
        }),
      journal: (query) =>
        unlessDead(() => {
          const { worker, limit, afterCursor } = query;
          const fits = this.journal.filter((one) => (worker === undefined || one.worker === worker) && one.cursor > (afterCursor ?? 0));
          const kept = limit === undefined ? fits : fits.slice(Math.max(0, fits.length - limit));
          return this.#sqlite?.journal(query, kept) ?? kept;
        }),
      trimJournal: async () => {
        this.trims.set(owner, (this.trims.get(owner) ?? 0) + 1);
        return 0;
      },
      close: async () => {},
    };
  }

  #snapshot(): Snapshot {
    return {
      workers: [...this.workers.values()],
      instances: [...this.instances.values()],
      generations: [...this.generations.values()],
      values: Object.fromEntries(this.values),
    };
  }

  #apply({ batch, owner }: Commit): readonly JournalRecord[] {
    this.writes += 1;
    for (const worker of batch.forgetWorkers ?? []) {
      this.workers.delete(worker);
      for (const table of [this.instances, this.generations]) for (const [key, row] of table) if (row.worker === worker) table.delete(key);
    }
    for (const { worker, instance } of batch.forgetInstances ?? []) this.instances.delete(`${worker}/${instance}`);
    for (const row of batch.workers ?? []) this.workers.set(row.worker, row);
    for (const row of batch.instances ?? []) this.instances.set(`${row.worker}/${row.instance}`, row);
    for (const row of batch.generations ?? []) this.generations.set(`${row.worker}/${row.counter}`, row);
    for (const [key, value] of Object.entries(batch.values ?? {})) this.values.set(key, value);
    const records = (batch.journal ?? []).map((entry, index) => ({ ...entry, cursor: this.journal.length + index + 1 }));
    this.journal.push(...records);
    this.writers.push(...records.map(() => owner));
    this.#sqlite?.commit(batch, records);
    return records;
  }
}
