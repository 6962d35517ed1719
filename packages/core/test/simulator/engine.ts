import { type Exit, type Found, type Hint, type InstanceRef, type LogRecord, type Observed, type Run, type RuntimeDriver, runtimeFailure } from '@ostler/sdk';
import { session, told } from './probing.ts';
import { artifactOf, type Behaviour, buildLines, canary, firstWords, handleOf, type Real } from './real.ts';
import { failure, type Request, Requests, type RequestsGiven } from './requests.ts';
import type { Owner, Timeline } from './timeline.ts';

const failedBuild = () => runtimeFailure({ code: 'build-failed', outcome: 'no', retryable: true, message: 'the build failed', cause: buildLines.join('\n') });

export interface EngineGiven extends RequestsGiven {
  readonly name: string;
  readonly timeline: Timeline;
  behaviour(worker: string): Behaviour;
  /** How often what it starts was made. */
  image(): number;
  /** Before anything is started. */
  onStart(ref: InstanceRef, run: Run): void;
}

/** How long what an engine has written may be lost with the power. */
const writtenWithinMs = 30_000;
/** What the check of an image came to. */
const check = { health: 'unhealthy', lastCheck: { failures: 1, code: 1, output: `the token is ${canary}` } } as const;
/** More than anybody reads. */
const endless = 'it cannot be started. '.repeat(500);
/** Whoever asks for a stop may not. */
export const refusal = 'the engine answers with 403';
/** What an image names to end it by, where nothing else is said. */
const imageSignal = 'SIGQUIT';
const usage = { cpuNs: null, ioBytes: null, processes: null, gpu: null };
const world: Owner = { isDead: false };

/** One engine as it really is. Its driver only puts requests before it; when each is carried out and answered is the schedule's choice. */
export class Engine {
  readonly name: string;
  readonly #given: EngineGiven;
  store: string;
  isDown = false;
  isFrozen = false;
  /** Its events are lost. */
  isDeaf = false;
  /** Nothing that it is asked fails, but what the behaviour of a worker lets fail. */
  isFlawless = false;
  readonly instances = new Map<string, Real>();
  /** Those that were removed: what is told of them must still be true. */
  readonly removed = new Map<string, Real>();
  readonly #requests: Requests;
  readonly #refused = new Set<string>();
  #watchers: { readonly owner: Owner; readonly tell: (hint: Hint) => void }[] = [];

  constructor(given: EngineGiven) {
    this.name = given.name;
    this.#given = given;
    this.store = `${given.name}-store-1`;
    this.#requests = new Requests(this, given);
  }

  /** Those that have not been answered. */
  get requests(): readonly Request[] {
    return this.#requests.all;
  }

  /** Goes on with a request: it is carried out, or its answer arrives. */
  step(request: Request): void {
    this.#requests.step(request);
  }

  /** What it had not begun when it died. */
  forgetRequests(): void {
    this.#requests.forget();
  }

  isGreedy(worker: string): boolean {
    return this.#given.behaviour(worker).isGreedy === true;
  }

  /** Those of the store that it has now. */
  here(): readonly Real[] {
    return [...this.instances.values()].filter(({ store }) => store === this.store);
  }

  end(real: Real, exit: Pick<Exit, 'code' | 'signal'>): void {
    if (real.is !== 'running') return;
    real.is = 'exited';
    real.exit = { ...exit, at: new Date(this.#given.timeline.epochMs()).toISOString(), oom: 'no', evidence: 'engine' };
    real.exits.push(real.exit);
    this.tell(real.ref);
  }

  /** Somebody starts one that has ended, past the agent. */
  startByHand(real: Real): void {
    if (real.is !== 'exited') return;
    const startedAt = new Date(this.#given.timeline.epochMs()).toISOString();
    Object.assign(real, { is: 'running', exit: null, endedWithEngine: false, startedAt, startedMs: this.#given.timeline.nowMs });
    real.starts.push(startedAt);
    this.tell(real.ref);
  }

  /** The engine goes down; without live-restore its instances go with it. */
  goDown(isTakingAll: boolean): void {
    this.isDown = true;
    this.forgetRequests();
    for (const real of isTakingAll ? this.here() : []) {
      real.endedWithEngine ||= real.is === 'running';
      // What it had not written down yet: that it had started this one.
      if (real.is === 'running' && this.#given.random.rarely(0.1)) real.is = 'created';
      else this.end(real, { code: 137, signal: null });
    }
  }

  /** All ends with its host, and what was written last is forgotten now and then: that one was started, and how it ended. */
  losePower(): void {
    this.forgetRequests();
    for (const real of this.instances.values()) {
      const isLate = this.#given.timeline.nowMs - real.startedMs < writtenWithinMs;
      if (isLate && this.#given.random.chance(0.25)) Object.assign(real, { is: 'created', exit: null });
      else this.end(real, { code: 255, signal: null });
    }
  }

  /** A hint to whoever follows its events. */
  tell(ref: InstanceRef): void {
    this.#watchers = this.#watchers.filter(({ owner }) => !owner.isDead);
    if (!this.isDeaf) for (const { tell } of this.#watchers) tell({ kind: 'changed', ref });
  }

  /** Whoever follows its events has lost some, and is told so. */
  tellOfGap(): void {
    this.#watchers = this.#watchers.filter(({ owner }) => !owner.isDead);
    for (const { tell } of this.#watchers) tell({ kind: 'gap', why: 'it listens again' });
  }

  #find(ref: InstanceRef): Real | undefined {
    const found = this.instances.get(`${ref.worker}/${ref.instance}`);
    return found?.store === this.store ? found : undefined;
  }

  #found(ref: InstanceRef): Found {
    const real = this.#find(ref);
    return real === undefined ? { is: 'gone', engine: this.store } : this.#observed(real);
  }

  #observed(real: Real): Observed {
    const head = { ref: real.ref, handle: handleOf(real.store, real.ref), engine: this.store };
    const checked = this.#given.behaviour(real.ref.worker).isChecked && this.name === 'docker' ? check : {};
    if (real.is === 'running') return { ...head, is: 'running', startedAt: real.startedAt, endpoints: [], pid: 1, ...checked };
    return real.is === 'created' ? { ...head, is: 'created' } : { ...head, is: 'exited', exit: real.exit!, left: real.left };
  }

  #start(ref: InstanceRef, startedBy: Owner): Observed {
    const known = this.#find(ref);
    if (known !== undefined && known.is !== 'created') return this.#observed(known);
    const { behaviour, random, timeline } = this.#given;
    const { exit, failsToStart, losesStarts } = behaviour(ref.worker);
    const key = `${ref.worker}/${ref.instance}`;
    const startedAt = new Date(timeline.epochMs()).toISOString();
    const { stores = [], starts = [], exits = [] } = this.instances.get(key) ?? {};
    const all = { stores: [...stores, this.store], starts: [...starts, startedAt], exits };
    const left = Number(ref.instance.slice(1)) % 5 === 0 ? ['12 sleep 1000'] : [];
    const started = { startedAt, startedMs: timeline.nowMs, startedBy, left, ...all };
    const made = (): void => void this.instances.set(key, { ref, store: this.store, ...started, is: 'created', endedWithEngine: false, exit: null });
    if (failsToStart && random.chance(0.5)) {
      // Its port is taken: what was made for it is there.
      if (random.chance(0.5)) made();
      throw failure('conflict', 'no', random.chance(0.1) ? endless : 'it cannot be started');
    }
    if (losesStarts && random.chance(0.6)) throw failure('internal', 'unknown', 'the engine answers with 500');
    if (known === undefined && random.rarely(0.03)) {
      made();
      throw failure('internal', 'unknown', 'it failed between the two halves of the start');
    }
    const real: Real = { ref, store: this.store, ...started, is: 'running', endedWithEngine: false, exit: null };
    this.instances.set(key, real);
    if (exit !== null) timeline.after(world, exit.afterMs, () => this.end(real, { code: exit.code, signal: null }));
    this.tell(ref);
    return this.#observed(real);
  }

  #stop(ref: InstanceRef, signal: string): Found {
    const real = this.#find(ref);
    const { behaviour } = this.#given;
    const { ignoresSignals, refusesStops } = behaviour(ref.worker);
    if (refusesStops && real !== undefined) {
      real.refusals ??= this.#refusalsOf(ref.worker);
      real.refusals -= 1;
      if (real.refusals >= 0) throw failure('unauthorized', 'no', refusal);
    }
    if (real !== undefined) this.end(real, { code: null, signal: ignoresSignals ? 'SIGKILL' : signal });
    return this.#found(ref);
  }

  /** How often it refuses to stop the next instance: at length once, or a worker that is stopped again and again never comes to rest. */
  #refusalsOf(worker: string): number {
    const { random } = this.#given;
    const isFirst = !this.#refused.has(worker);
    this.#refused.add(worker);
    return isFirst && random.chance(0.5) ? 13 : random.int(3);
  }

  #prepare(worker: string): void {
    if (this.#given.behaviour(worker).failsToPrepare && this.#given.random.chance(0.5))
      throw this.#given.random.chance(0.5) ? failure('not-found', 'no', 'there is no such image') : failedBuild();
  }

  #usesMuch(worker: string): boolean {
    return this.isGreedy(worker) || this.#given.random.chance(0.4);
  }

  #signal(ref: InstanceRef): void {
    if (this.#find(ref)?.is !== 'running') throw failure('not-running', 'no', 'it does not run');
  }

  #remove(ref: InstanceRef): void {
    const real = this.#find(ref);
    if (real?.is === 'running') throw failure('conflict', 'no', 'it is running: stop it first');
    if (real !== undefined) this.#take(real);
  }

  /** Somebody ends and removes one, past the agent. */
  removeByHand(real: Real): void {
    this.end(real, { code: 137, signal: null });
    this.#take(real);
    this.tell(real.ref);
  }

  #take(real: Real): void {
    const key = `${real.ref.worker}/${real.ref.instance}`;
    this.instances.delete(key);
    this.removed.set(key, real);
  }

  driver(owner: Owner): RuntimeDriver {
    const notified = { readyAt: null, aliveAt: null, stoppingAt: null, isTripped: false, status: told };
    const facts = () => ({
      ...{ engine: this.store, name: this.name, version: '1', limits: { memory: 'hard', cpu: 'hard', pids: 'hard', gpuMemory: 'none' } as const, gpus: [] },
      ...{ outlives: { agent: true, engine: true }, notes: [] },
    });
    return {
      restarts: 'agent',
      ping: (call) => this.#requests.ask(owner, 'ping', null, false, call, () => {}),
      facts: (call) => this.#requests.ask(owner, 'facts', null, false, call, facts),
      check: () => [],
      // Asked by every plan: put before the engine only where that makes a difference.
      resolve: ({ name }, call) =>
        this.isDown || this.isFrozen
          ? this.#requests.ask(owner, 'resolve', { agent: '', worker: name, generation: '', instance: '' }, false, call, () => artifactOf(this.#given.image()))
          : Promise.resolve(artifactOf(this.#given.image())),
      prepare: ({ spec }, call) =>
        this.#requests.ask(owner, 'prepare', { agent: '', worker: spec.name, generation: '', instance: '' }, false, call, () => this.#prepare(spec.name)),
      start: (ref, run, call) => {
        if (!owner.isDead) this.#given.onStart(ref, run);
        return this.#requests.ask(owner, 'start', ref, true, call, () => this.#start(ref, owner));
      },
      inspect: ({ ref, handle }, call) => this.#requests.ask(owner, 'inspect', ref, false, call, () => this.#found(ref), { by: handle }),
      list: (_, call) =>
        this.#requests.ask(owner, 'list', null, false, call, () => ({
          engine: this.store,
          instances: this.here().map(({ ref, is, store }) => ({ ref, handle: handleOf(store, ref), is })),
        })),
      watch: (_, signal) => this.#watch(owner, signal),
      stop: ({ ref, handle }, { signal, graceMs }, call) =>
        this.#requests.ask(owner, 'stop', ref, true, call, () => this.#stop(ref, signal ?? imageSignal), { by: handle, signal, graceMs }),
      // Some use much for a moment, some for long.
      stats: async (targets) => targets.map(({ ref }) => ({ ...usage, memoryBytes: this.#usesMuch(ref.worker) ? 2 ** 31 : 2 ** 20 })),
      signal: ({ ref }, name, call) => this.#requests.ask(owner, 'signal', ref, false, call, () => this.#signal(ref), { signal: name }),
      remove: ({ ref }, call) => this.#requests.ask(owner, 'remove', ref, true, call, () => this.#remove(ref)),
      async *logs({ ref }): AsyncGenerator<LogRecord> {
        yield { cursor: '1', at: null, gap: null };
        for (const line of [firstWords(ref), `the token is ${canary}`]) yield { cursor: line, at: null, stream: 'stdout', bytes: Buffer.from(`${line}\n`) };
      },
      close: async () => {},
      ...(this.name === 'native' ? { notified: async () => notified } : { exec: async () => session }),
    };
  }

  async *#watch(owner: Owner, signal: AbortSignal): AsyncGenerator<Hint> {
    const waiting: Hint[] = [{ kind: 'gap', why: 'the watch begins' }];
    let wake = (): void => {};
    this.#watchers.push({
      owner,
      tell: (hint) => {
        waiting.push(hint);
        wake();
      },
    });
    signal.addEventListener('abort', () => wake());
    while (!signal.aborted) {
      const hint = waiting.shift();
      if (hint !== undefined) yield hint;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  }
}
