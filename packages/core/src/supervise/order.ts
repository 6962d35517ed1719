import type { Supervisor } from './supervisor.ts';

interface Place {
  readonly priority: number;
  readonly dependsOn: ReadonlySet<string>;
}

/**
 * The workers of a host by name, by who starts before whom, and by who depends on whom. A start of all changes one definition after another: each costs
 * what that worker says, not what all do.
 */
export class Order {
  readonly #places = new Map<Supervisor, Place>();
  readonly #dependents = new Map<string, Set<Supervisor>>();
  /** Read again before anybody asks. */
  readonly #stale = new Set<Supervisor>();
  #byName: readonly Supervisor[] | null = null;
  #toStart: readonly Supervisor[] | null = null;

  add(one: Supervisor): void {
    this.#byName = null;
    this.changed(one);
  }

  remove(one: Supervisor): void {
    for (const worker of this.#places.get(one)?.dependsOn ?? []) this.#dependents.get(worker)?.delete(one);
    this.#places.delete(one);
    this.#stale.delete(one);
    this.#byName = this.#toStart = null;
  }

  /** Its definition, or that of its instance, is another one. */
  changed(one: Supervisor): void {
    this.#stale.add(one);
  }

  byName(): readonly Supervisor[] {
    this.#read();
    this.#byName ??= [...this.#places.keys()].sort(byWorker);
    return this.#byName;
  }

  /** All, the first to start first: by priority, then by name. */
  toStart(): readonly Supervisor[] {
    const byName = this.byName();
    const priorityOf = (one: Supervisor): number => this.#places.get(one)?.priority ?? usualPriority;
    this.#toStart ??= [...byName].sort((a, b) => priorityOf(b) - priorityOf(a));
    return this.#toStart;
  }

  /** Those that depend on a worker, as they are to run or as they run, by name. */
  dependents(worker: string): readonly Supervisor[] {
    this.#read();
    const some = this.#dependents.get(worker);
    return some === undefined ? [] : [...some].sort(byWorker);
  }

  #read(): void {
    for (const one of this.#stale) {
      const before = this.#places.get(one);
      const rules = one.normal()?.rules;
      // What runs may be of an older definition, and follows what that says.
      const its = one.normal(one.generation(one.life.instanceGeneration))?.rules;
      const dependsOn = new Set([...(rules?.dependsOn ?? []), ...(its?.dependsOn ?? [])].map(({ worker }) => worker));
      const place = { priority: rules?.priority ?? usualPriority, dependsOn };
      for (const worker of before?.dependsOn ?? []) this.#dependents.get(worker)?.delete(one);
      for (const worker of place.dependsOn) this.#dependents.set(worker, (this.#dependents.get(worker) ?? new Set()).add(one));
      if (before?.priority !== place.priority) this.#toStart = null;
      this.#places.set(one, place);
    }
    this.#stale.clear();
  }
}

const usualPriority = 500;
const byWorker = (a: Supervisor, b: Supervisor): number => (a.worker < b.worker ? -1 : 1);
