import type { Target } from '@ostler/sdk';
import { addressBetween, type Dependency, type Neighbour } from '../spec/index.ts';
import type { GenerationRecord, InstanceRecord } from '../store/index.ts';
import { cleared } from './calls.ts';
import { hasEnded, isUp, lacking, startOrder } from './dependencies.ts';
import { Gate, type StartSlots } from './gate.ts';
import type { Life, LifeEvent } from './life.ts';
import { MemoryWatch } from './memory.ts';
import { Order } from './order.ts';
import type { Services } from './services.ts';
import { Supervisor } from './supervisor.ts';

export interface CrewGiven {
  /** The rest comes from the crew. */
  readonly services: Omit<Services, 'missing' | 'dependencies' | 'addressOf' | 'running' | 'memory'>;
  readonly startSlots: StartSlots;
}

const isStarting = ({ phase }: Life): boolean => phase === 'preparing' || phase === 'starting';

/** All workers of the host: who depends on whom, who may start now, and who is told what. */
export class Crew {
  readonly services: Services;
  /** Hears of each worker that is found on a runtime and that the store does not know, before anything of it is seen. */
  onFound: (one: Supervisor) => void = () => {};
  readonly #workers = new Map<string, Supervisor>();
  readonly #gate: Gate;
  readonly #memory: MemoryWatch;
  readonly #listeners = new Set<(worker: string) => void>();
  /** May hold some that are no longer in that phase, never lacks one that is. */
  readonly #waiting = new Set<Supervisor>();
  readonly #starting = new Set<Supervisor>();
  readonly #order = new Order();
  #hasGateWork = false;

  constructor({ services, startSlots }: CrewGiven) {
    this.#memory = new MemoryWatch(services);
    this.services = {
      ...{ ...services, memory: this.#memory },
      missing: (worker) => this.#missing(worker),
      dependencies: (worker) => this.#running(this.#rulesOf(worker)),
      addressOf: (from, worker) => this.#addressOf(from, worker),
      running: (worker) => this.#instanceOf(worker),
    };
    this.#gate = new Gate(startSlots);
  }

  get(worker: string): Supervisor | undefined {
    return this.#workers.get(worker);
  }
  /** By name. */
  all(): readonly Supervisor[] {
    return this.#order.byName();
  }

  /** Takes in a worker as it is persisted. It does nothing before `begin()` or an event. */
  add(worker: string, life: Life, generations: readonly GenerationRecord[], instances: readonly InstanceRecord[]): Supervisor {
    const supervisor = new Supervisor({
      worker,
      services: this.services,
      life,
      generations,
      instances,
      onChange: (of, before) => this.#changed(of, before),
      onForgotten: (name) => {
        if (this.#workers.get(name) === supervisor) this.#workers.delete(name);
        this.#order.remove(supervisor);
        this.#told(name);
        this.update();
      },
    });
    this.#workers.set(worker, supervisor);
    this.#order.add(supervisor);
    this.#gate.judgeAllAgain();
    this.#sort(supervisor);
    return supervisor;
  }

  /** Something outside the workers changed: a runtime came up, the policy is another. */
  update(): void {
    this.#gate.judgeAllAgain();
    this.#look();
  }

  /** After all that this turn of the loop sets off: one look for many changes. */
  #look(): void {
    if (this.#hasGateWork) return;
    this.#hasGateWork = true;
    process.nextTick(() => {
      this.#hasGateWork = false;
      this.#askGate();
    });
  }

  /** Called after each change of a worker, until the returned function is. */
  onChange(listener: (worker: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Waits until `isTrue`, looking again after each change; `false` when the signal came first. */
  async until(isTrue: () => boolean, signal: AbortSignal): Promise<boolean> {
    while (!isTrue()) {
      if (signal.aborted) return false;
      await new Promise<void>((resolve) => {
        const stop = this.onChange(() => done());
        const done = (): void => {
          stop();
          signal.removeEventListener('abort', done);
          resolve();
        };
        signal.addEventListener('abort', done, { once: true });
      });
    }
    return true;
  }

  /**
   * Stops workers, those that others depend on last: each one when its dependents no longer run. `event`: the hold that each gets. Resolves when all
   * are at rest and that is persisted, or with `false` at the signal.
   */
  async stopInOrder(workers: readonly Supervisor[], event: Extract<LifeEvent, { type: 'hold' }>, signal: AbortSignal): Promise<boolean> {
    const isAtRest = ({ life }: Supervisor): boolean => ['idle', 'done', 'failed'].includes(life.phase);
    /** In which epoch each was told. */
    const told = new Map<string, number>();
    const held = new Set<string>();
    const ranks = new Map(startOrder(workers).map((one, rank) => [one, rank]));
    const step = (): boolean => {
      let isDone = true;
      for (const [one, rank] of ranks) {
        if (this.#workers.get(one.worker) !== one) continue;
        // Those that wait for each other in a circle have no last one.
        const mustWait = this.#order.dependents(one.worker).some((dependent) => (ranks.get(dependent) ?? 0) > rank && !isAtRest(dependent));
        const isLeft = isAtRest(one) && (event.cause === 'shutdown' || one.life.want !== 'run');
        if (isLeft && !mustWait) continue;
        isDone = false;
        // Again when somebody started it meanwhile, or what was starting has come to run: a shutdown is no hold that it would remember.
        if (one.life.want !== 'run') held.add(one.worker);
        else if (held.delete(one.worker)) told.delete(one.worker);
        if (mustWait || told.get(one.worker) === one.life.epoch) continue;
        told.set(one.worker, one.life.epoch);
        void one.send(event);
      }
      return isDone;
    };
    return (await this.until(step, signal)) && this.atRest(workers, signal);
  }

  /** Resolves when the end of these is persisted and nothing that it left is running, or with `false` at the signal. */
  atRest(workers: readonly Supervisor[], signal: AbortSignal): Promise<boolean> {
    const late = new Promise<false>((resolve) => {
      if (signal.aborted) resolve(false);
      else signal.addEventListener('abort', () => resolve(false), { once: true });
    });
    const clearing = [...Map.groupBy(workers, (one) => one.runtimeName())].map(async ([name, ended]) => {
      const runtime = name === null ? null : this.services.runtime(name);
      const names = ended.map(({ worker }) => worker);
      if (runtime !== null) await cleared(this.services, runtime, names);
    });
    return Promise.race([Promise.all([...workers.map((one) => one.settled()), ...clearing]).then(() => true), late]);
  }

  /** Stops all workers, as their agent ends, those included that are found on a runtime meanwhile; as {@link stopInOrder}. */
  async stopWithAgent(signal: AbortSignal): Promise<boolean> {
    for (;;) {
      const all = this.all();
      if (!(await this.stopInOrder(all, { type: 'hold', by: 'the agent', cause: 'shutdown' }, signal))) return false;
      const known = new Set(all);
      if (this.all().every((one) => known.has(one))) return true;
    }
  }

  /** Ends all timers and probes. Nothing is stopped. Resolves when all that was decided is persisted, where the store still takes it. */
  async close(): Promise<void> {
    this.#gate.shut();
    this.#memory.close();
    await Promise.all([...this.#workers.values()].map((one) => one.close()));
  }
  shutGate(): void {
    this.#gate.shut();
  }

  #askGate(): void {
    for (const one of this.#starting) if (!isStarting(one.life)) this.#starting.delete(one);
    if (this.#waiting.size === 0) return;
    for (const one of this.#waiting) if (one.life.phase !== 'waiting' || one.life.want !== 'run') this.#waiting.delete(one);
    // What cannot be seen may stay so for ever, which must not keep the others waiting.
    const seen = [...this.#starting].filter(({ life }) => life.blind === null);
    this.#gate.update(
      this.#order.toStart().filter((one) => this.#waiting.has(one)),
      seen,
    );
  }

  #sort(one: Supervisor): void {
    const { life } = one;
    if (life.phase === 'waiting' && life.want === 'run') this.#waiting.add(one);
    if (isStarting(life)) this.#starting.add(one);
  }

  #changed(of: Supervisor, before: Life): void {
    const { life } = of;
    if (life.generation !== before.generation || life.instanceGeneration !== before.instanceGeneration) this.#order.changed(of);
    this.#sort(of);
    const isSightOther = (life.blind === null) !== (before.blind === null);
    if (life.phase !== before.phase || isSightOther) for (const one of [of, ...this.#order.dependents(of.worker)]) this.followDependencies(one);
    for (const one of [of, ...this.#order.dependents(of.worker)]) this.#gate.judgeAgain(one);
    this.#told(of.worker);
    this.#look();
  }

  /**
   * Restarts what runs where, by its rule, it was to stop with a dependency that has ended, or was started with another instance than runs now. It is
   * told by what is, not by what happened, so that no death of the agent can lose it.
   */
  followDependencies(one: Supervisor): void {
    const { startedWith, instanceGeneration } = one.life;
    if (!isUp(one.life)) return;
    const rules = one.normal(one.generation(instanceGeneration))?.rules.dependsOn ?? [];
    const ended = rules.find((rule) => rule.stopWithIt && hasEnded(rule, this.#workers.get(rule.worker)))?.worker;
    const changed = Object.entries(this.#running(rules)).find(([worker, instance]) => startedWith !== null && startedWith[worker] !== instance)?.[0];
    const by = ended ?? changed;
    if (by !== undefined) void one.send({ type: 'restart', by, cause: 'dependency' });
  }

  #told(worker: string): void {
    for (const listener of [...this.#listeners]) listener(worker);
  }

  #rulesOf(worker: string): readonly Dependency[] {
    return this.#workers.get(worker)?.normal()?.rules.dependsOn ?? [];
  }

  /** The instances of those of them with which a worker is started anew. */
  #running(rules: readonly Dependency[]): Readonly<Record<string, string>> {
    const instances = rules.flatMap((rule) => {
      const one = rule.restartWithIt ? this.#workers.get(rule.worker) : undefined;
      return one === undefined || !isUp(one.life) || one.life.instance === null ? [] : [[rule.worker, one.life.instance] as const];
    });
    return Object.fromEntries(instances);
  }

  #missing(worker: string): string | null {
    const notAllowed = this.#notAllowed(worker);
    if (notAllowed !== null) return notAllowed;
    for (const rule of this.#rulesOf(worker)) {
      const lacks = lacking(rule, this.#workers.get(rule.worker));
      if (lacks !== null) return lacks;
    }
    return null;
  }

  #addressOf(from: string, worker: string): string | null {
    const [here, there] = [this.#neighbour(from), this.#neighbour(worker)];
    const reached = this.#reached(worker);
    return here === undefined || there === undefined ? reached : addressBetween(here, there, reached, (name) => this.#neighbour(name));
  }

  /** Where the agent itself reaches the first port of a worker. */
  #reached(worker: string): string | null {
    const one = this.#workers.get(worker);
    const endpoint = one?.live?.endpoints[0];
    if (endpoint) return /:\d+$/.test(endpoint.address) ? endpoint.address : `${endpoint.address}:${endpoint.port}`;
    const port = one?.normal()?.spec.ports[0];
    // A container's own port is one of the host only where it is published.
    if (!port || (port.publish === null && this.#neighbour(worker)?.class === 'container')) return null;
    return `127.0.0.1:${port.publish?.port ?? port.port}`;
  }

  /** As it is to run. */
  #neighbour(worker: string): Neighbour | undefined {
    const one = this.#workers.get(worker);
    const [runtime, normal] = [one?.generation()?.runtime, one?.normal()];
    const access = runtime === undefined ? null : this.services.runtime(runtime);
    return !normal || access === null ? undefined : { runtime: access.name, class: access.class, spec: normal.spec, hostName: access.facts()?.hostName };
  }

  #instanceOf(worker: string): Target | null {
    const one = this.#workers.get(worker);
    return one === undefined || !isUp(one.life) ? null : one.target();
  }

  /** The policy goes before dependencies: what may not be had is waited for by nobody else's doing. */
  #notAllowed(worker: string): string | null {
    const { forbidden } = this.services;
    const neighbour = forbidden === undefined ? undefined : this.#neighbour(worker);
    return forbidden === undefined || neighbour === undefined ? null : forbidden(neighbour);
  }
}
