import type { GenerationRecord, InstanceRecord } from '../store/index.ts';
import type { Life, LifeEvent } from './life.ts';

/** Ended instances that stay, for their logs and for `why`. */
const kept = 3;

/** The records of one worker's instances. */
export class Instances {
  readonly #worker: string;
  readonly #records: Map<string, InstanceRecord>;
  /** Of which run of the worker each is, as far as this agent has seen it begin. */
  readonly #runs = new Map<string, number>();

  /** `present`: of which it is known that none came after it, whatever the clock said then. */
  constructor(worker: string, records: readonly InstanceRecord[], present: string | null) {
    this.#worker = worker;
    const isPresent = ({ instance }: InstanceRecord): number => (instance === present ? 1 : 0);
    const told = [...records].sort((a, b) => isPresent(a) - isPresent(b) || Date.parse(a.intendedAt) - Date.parse(b.intendedAt));
    this.#records = new Map(told.map((record) => [record.instance, record]));
  }

  get(instance: string): InstanceRecord | null {
    return this.#records.get(instance) ?? null;
  }
  /** Oldest first, as they came: the clock may have been set back in between. */
  all(): readonly InstanceRecord[] {
    return [...this.#records.values()];
  }
  keep(records: readonly InstanceRecord[]): void {
    for (const record of records) this.#records.set(record.instance, record);
  }
  drop(instance: string): void {
    this.#records.delete(instance);
    this.#runs.delete(instance);
  }
  begin(instance: string, run: number): void {
    this.#runs.set(instance, run);
  }
  runOf(instance: string): number | null {
    return this.#runs.get(instance) ?? null;
  }
  /** Oldest first: those that were started for that run. */
  ofRun(run: number): readonly InstanceRecord[] {
    return this.all().filter(({ instance, state }) => this.#runs.get(instance) === run && state !== 'intended');
  }
  /** Ended ones beyond those that stay, never the present one. */
  superfluous(present: string | null): readonly InstanceRecord[] {
    const ended = this.all().filter((record) => record.instance !== present);
    return ended.slice(0, Math.max(0, ended.length - kept));
  }

  /** The records that an event changes, to be persisted with the life that follows from it. */
  after(before: Life, life: Life, event: LifeEvent, at: string, generation: (counter: number | null) => GenerationRecord | null): readonly InstanceRecord[] {
    const changed = new Map<string, InstanceRecord>();
    const old = before.instance === null ? null : this.get(before.instance);
    if (old !== null && 'seen' in event) {
      if (event.type === 'running')
        changed.set(old.instance, { ...old, state: 'running', handle: event.seen.handle, engine: event.seen.engine, startedAt: event.seen.startedAt });
      const hasRun = before.phase === 'running' || before.phase === 'stopping' || before.unresolved === 'stop';
      if (event.type === 'created') {
        const state = hasRun ? 'gone' : old.state;
        changed.set(old.instance, { ...old, state, handle: event.seen.handle, engine: event.seen.engine });
      }
      if (event.type === 'exited') changed.set(old.instance, { ...old, state: 'exited', handle: event.seen.handle, exit: event.exit });
      // What is not there yet may still come: its start was given up, not undone.
      if (event.type === 'gone' && event.isSameEngine && hasRun) changed.set(old.instance, { ...old, state: 'gone' });
    }
    if (life.phase === 'stopping' && before.phase !== 'stopping' && old !== null)
      changed.set(old.instance, { ...(changed.get(old.instance) ?? old), stopCause: life.stopCause });
    if (life.instance !== null && life.instance !== before.instance) {
      const record = generation(life.instanceGeneration);
      if (record !== null)
        changed.set(life.instance, {
          worker: this.#worker,
          instance: life.instance,
          generation: `${record.counter}-${record.digest}`,
          runtime: record.runtime,
          state: 'intended',
          handle: null,
          engine: null,
          intendedAt: at,
          startedAt: null,
          exit: null,
          stopCause: null,
        });
    }
    return [...changed.values()];
  }
}
