import { setImmediate as turnOfNode } from 'node:timers/promises';
import { Agent } from './agent.ts';
import { callInvariants } from './call-invariants.ts';
import { coverage } from './coverage.ts';
import { beyondSlots, unmetDependency } from './decisions.ts';
import { Disk } from './disk.ts';
import { Engine, type Request } from './engine.ts';
import type { Declared } from './host.ts';
import { HostFile } from './host-file.ts';
import { invariants, type View } from './invariants.ts';
import { Order } from './order.ts';
import type { Random } from './random.ts';
import { artifact, type Behaviour, canary } from './real.ts';
import { leaked, littered, outdated, undone, unpinned, unsettled, unstopped } from './rest.ts';
import { Timeline } from './timeline.ts';
import { User } from './user.ts';

export class Violation extends Error {
  readonly of: string;
  constructor(of: string, text: string) {
    super(text);
    this.of = of;
  }
}

export interface WorldGiven {
  readonly workers: readonly Declared[];
  readonly behaviours: ReadonlyMap<string, Behaviour>;
  readonly random: Random;
  readonly slots: number;
  readonly apply: 'manual' | 'auto';
  /** SQLite is beside the disk, and each read is held against it. */
  readonly isStoreReal?: boolean | undefined;
  /** Hears what happens. */
  readonly onTell?: ((text: string) => void) | undefined;
}

/** How long a host may take to come to rest once nothing fails any more. */
const settleMs = 15 * 60_000;
const settleSteps = 20_000;
const steady: Behaviour = { exit: null, failsToPrepare: false, failsToStart: false, ignoresSignals: false };

/** A host, its engines, its disk, its user and the agent of the moment; whatever is done to it, all that must hold is looked at after each step. */
export class World {
  steps = 0;
  readonly failed = new Map<string, number>();
  readonly timeline = new Timeline();
  readonly disk: Disk;
  readonly docker: Engine;
  readonly native: Engine;
  readonly file: HostFile;
  readonly user: User;
  agent: Agent | null = null;
  /** The host's clock was set: what it says of the past is no evidence. */
  isClockSet = false;
  readonly #given: WorldGiven;
  readonly #phases = new Map<string, string>();
  readonly #lost = new Set<string>();
  /** Of whom this agent has decided that it is sent a signal, because it is not well. */
  readonly #owedSignals = new Set<string>();
  /** With it what each was started with. */
  #isStoreLost = false;
  /** Deaths of agents, and other stores of an engine: in each, calls came to nobody. */
  #upheavals = 0;
  #blind: ReadonlySet<string> = new Set();
  readonly #unknown = new Map<string, number>();
  readonly #startsFailed = new Map<string, number>();
  readonly #order = new Order();
  #serial = 0;
  #broken: Violation | null = null;

  constructor(given: WorldGiven) {
    this.#given = given;
    const { workers, behaviours, random, apply } = given;
    this.disk = new Disk(given.isStoreReal ?? false);
    this.file = new HostFile(workers, apply);
    this.user = new User(
      workers,
      this.file,
      random,
      (text) => this.tell(text),
      (text) => this.#break('an answer is true', text),
    );
    const engine = (name: string): Engine =>
      new Engine({
        ...{ name, timeline: this.timeline, random, behaviour: (worker: string) => behaviours.get(worker) ?? steady },
        onFailed: (request, isUnknown) => this.#hasFailed(request, isUnknown),
        onAsked: (request) => this.#asked(request),
        onStart: ({ worker, instance }, run) => {
          if (run.artifact.digest !== artifact.digest) this.#break('resolved before start', `${worker}/${instance} is started, and it is not known as what`);
          const owner = workers.find(({ name }) => name === worker)?.written.networkMode?.replace('worker:', '');
          if (run.shares?.ref.worker !== owner)
            this.#break('whose network it shares', `${worker} shares the network of ${run.shares?.ref.worker}, not of ${owner}`);
          if (run.secrets.env['TOKEN'] !== canary) this.#break('secrets before start', `${worker}/${instance} is started without its secret`);
        },
      });
    this.docker = engine('docker');
    this.native = engine('native');
  }

  get engines(): readonly Engine[] {
    return [this.docker, this.native];
  }

  tell(text: string): void {
    this.#given.onTell?.(`${String(this.steps).padStart(4)} ${(this.timeline.nowMs / 1000).toFixed(3).padStart(9)} s  ${text}`);
  }

  boot(): void {
    this.tell('an agent starts');
    const { random, slots } = this.#given;
    this.agent = new Agent({
      ...{ timeline: this.timeline, disk: this.disk, engines: this.engines, hostFile: this.file, random, slots },
      newInstance: () => `i${++this.#serial}`,
      onDecision: (worker, to) => {
        if (to === 'prepare' && this.agent?.isEnding) this.#break('a shut gate', `${worker} is prepared by an agent that is being ended`);
        if (to === 'prepare') this.#order.chose(worker);
        const text = to === 'start' ? unmetDependency(this.#view(), worker) : beyondSlots(this.#view(), worker);
        if (text !== null) this.#break(to === 'start' ? 'dependencies' : 'start slots', text);
      },
      onUnsound: (text) => this.#break('a sound life', text),
      onUnwell: (worker, onUnhealthy) => {
        if (onUnhealthy === 'signal') this.#owedSignals.add(worker);
      },
    });
  }

  /** The agent is killed and, after `meanwhile`, started again. */
  die(meanwhile = (): void => {}): void {
    this.tell('the agent is killed');
    this.agent?.die();
    this.#upheavals += 1;
    this.#owedSignals.clear();
    this.#lost.clear();
    this.#order.forget();
    this.user.agentDied();
    meanwhile();
    this.boot();
  }

  /** The agent is killed, and no other comes for a while. */
  leaveAlone(ms: number): void {
    this.die(() => {
      const endMs = this.timeline.nowMs + ms;
      while (this.timeline.advance(endMs));
      this.timeline.suspend(endMs - this.timeline.nowMs);
    });
  }

  /** The agent is ended with its workers; who kills it before it is done is as impatient as people are. */
  shutDown(): void {
    if (!this.agent?.isUp || this.agent.isEnding) return;
    this.tell('the agent is ended with its workers');
    void this.agent.end().then(() => {
      const lie = unstopped(this.#view(), () => true);
      if (lie !== null) this.#break('an answer is true', `an agent ended with its workers, and ${lie}`);
      this.die();
    });
  }

  /** Nothing goes on, and then all that was due is due at once. */
  sleep(ms: number): void {
    this.tell(`the host sleeps for ${Math.round(ms / 1000)} s`);
    this.timeline.suspend(ms);
  }

  reboot(): void {
    this.tell('the host is started again');
    this.die(() => {
      for (const engine of this.engines) engine.losePower();
    });
  }

  /** What a dead agent had begun could not be told from nothing then: it ends with it. */
  loseStore(): void {
    this.tell('the store is lost');
    this.#isStoreLost = true;
    for (const engine of this.engines) engine.forgetRequests();
    this.die(() => {
      this.disk.lose();
      this.user.forgetAll();
    });
  }

  /** Its data root is another one: what ran in the old one has ended with the engine that had it. */
  replaceDocker(store: string): void {
    if (this.docker.store === store) return;
    this.tell(`docker comes up with ${store}`);
    this.#upheavals += 1;
    this.docker.forgetRequests();
    for (const real of this.docker.here()) this.docker.end(real, { code: 137, signal: null });
    this.docker.store = store;
  }

  /** All that follows by itself has happened; then everything is looked at. */
  async settle(): Promise<void> {
    await turnOfNode();
    if (this.#broken !== null) throw this.#broken;
    const impossible = coverage.takeImpossible();
    if (impossible !== null) throw new Violation('nothing impossible', `event and phase of a cell that cannot be: ${impossible}`);
    const view = this.#view();
    const passedOver = this.#order.passedOver(this.agent);
    if (passedOver !== null) throw new Violation('starts in order', passedOver);
    if (this.#given.onTell !== undefined) this.#tellPhases();
    for (const { name, check } of invariants) {
      const text = check(view);
      if (text !== null) throw new Violation(name, text);
    }
    const blind = this.agent?.crew.all().filter(({ life }) => life.blind !== null) ?? [];
    // Seen to run after all, by an answer from before its end: nothing that this agent knows tells that end from a crash.
    for (const { worker, life } of this.agent?.crew.all() ?? [])
      if (life.phase === 'running' && life.blind === null) this.#lost.delete(`${worker}/${life.instance}`);
    this.#blind = new Set(blind.map(({ worker }) => worker));
    for (const { worker, life } of this.isClockSet ? [] : blind) {
      const key = `${worker}/${life.instance}`;
      if (this.engines.some(({ instances }) => instances.get(key)?.endedWithEngine)) this.#lost.add(key);
    }
  }

  /** Those that can go on. */
  steppable(): readonly Request[] {
    return this.engines.flatMap((engine) => (engine.isFrozen ? engine.requests.filter(({ done }) => done !== null) : engine.requests));
  }

  stepDisk(): void {
    this.tell('the disk goes on');
    this.disk.step();
  }

  stepRequest(request: Request): void {
    const { method, engine, done } = request;
    if (method !== 'ping') this.tell(`${engine.name} ${done === null ? 'carries out' : 'answers'} ${nameOf(request)}`);
    engine.step(request);
  }

  /** But one engine, if it is named, that hangs. */
  heal(without: string | null = null): void {
    this.tell(without === null ? 'nothing fails any more' : `nothing fails any more but ${without}, which hangs`);
    for (const engine of this.engines) {
      engine.isDown = false;
      engine.isFrozen = engine.name === without;
      engine.isDeaf = false;
    }
    if (without === null) this.replaceDocker('docker-store-1');
    this.disk.isFull = false;
    // Who ends it does not wait for ever.
    if (this.agent?.isEnding) this.die();
  }

  /** Everything that is on its way arrives before time goes on. */
  async comeToRest(without: string | null = null): Promise<void> {
    const endMs = this.timeline.nowMs + settleMs;
    let why: string | null = 'nothing was looked at';
    for (let step = 0; step < settleSteps && this.timeline.nowMs < endMs; step++) {
      if (!this.#goOn()) {
        why = unsettled(this.#view(), { without });
        if (why === null) return;
        if (step % 3 === 0) this.findHealthy();
        else this.timeline.advance();
      }
      this.steps += 1;
      await this.settle();
    }
    throw new Violation('comes to rest', `after ${Math.round((this.timeline.nowMs - endMs + settleMs) / 1000)} s in which nothing failed: ${why}`);
  }

  /** What is on its way arrives, in its order, and then time goes on, until this is true. */
  async until(isTrue: () => boolean): Promise<void> {
    await this.settle();
    for (let step = 0; !isTrue(); step++) {
      if (step > settleSteps) throw new Error('it never came to that');
      if (!this.#goOn()) this.timeline.advance();
      this.steps += 1;
      await this.settle();
    }
  }

  async pass(ms: number): Promise<void> {
    const endMs = this.timeline.nowMs + ms;
    // A timer of nobody, so that there is something to wait for.
    this.timeline.after({ isDead: false }, ms, () => {});
    await this.until(() => this.timeline.nowMs >= endMs);
  }

  findHealthy(): void {
    for (const watch of [...(this.agent?.probes ?? [])]) watch.onVerdict({ health: 'ok', evidence: '', failures: 0, afterMs: 1 });
  }

  /** `false`: nothing is on its way. */
  #goOn(): boolean {
    const [request] = this.steppable();
    if (this.timeline.hasTurns()) this.timeline.turn();
    else if (this.disk.hasWork()) this.stepDisk();
    else if (request !== undefined) this.stepRequest(request);
    else return false;
    return true;
  }

  /** At rest, and the host file is true: there is nothing to apply, nothing has told a secret. */
  async comeTrue(): Promise<void> {
    await this.comeToRest();
    for (let time = 0; this.user.applied !== this.file.version && time < 3; time++) {
      this.user.apply(this.agent!);
      // A commit that the full disk refused is tried again after a while.
      await this.pass(2500);
      await this.comeToRest();
    }
    // As here: the row says already what it is to say, and the answer waits for the rest.
    if (this.user.isLeftWaiting) await this.pass(2500);
    // One of another store of its engine is waited for as long as its people wish.
    const isAllSeen = this.agent!.crew.all().every(({ life }) => life.blind === null);
    if (this.user.isLeftWaiting && isAllSeen) throw new Violation('comes to rest', 'everything was to go down, and that was never answered');
    if (this.user.applied !== this.file.version) throw new Violation('comes to rest', 'the host file cannot be applied, although nothing fails');
    const pending = await this.agent!.pending();
    if (pending.length > 0) throw new Violation('an empty plan', `nothing was edited since it was applied, and yet: ${pending.join('; ')}`);
    const open = unpinned(this.#view());
    if (open !== null) throw new Violation('resolved for good', open);
    const leak = leaked(this.#view());
    if (leak !== null) throw new Violation('no secret', leak);
    const old = this.#isStoreLost ? null : outdated(this.#view());
    if (old !== null) throw new Violation('started anew with it', old);
    const litter = littered(this.#view(), this.#upheavals + (this.failed.get('remove') ?? 0));
    if (litter !== null) throw new Violation('no litter', litter);
    const [unsent] = this.#owedSignals;
    if (unsent !== undefined) throw new Violation('a signal is sent', `${unsent} was not well and got no signal for that`);
  }

  /** Time goes on, and what has its time happens. */
  async keepTime(ms: number): Promise<void> {
    await this.pass(ms);
    const late = this.isClockSet ? null : undone(this.#view(), this.timeline.epochMs());
    if (late !== null) throw new Violation('all in its time', late);
  }

  #view(): View {
    return {
      ...{ engines: this.engines, disk: this.disk, agent: this.agent, slots: this.#given.slots },
      ...{ held: this.user.held, wishes: this.user.wishes, blind: this.#blind, lost: this.#lost, unknown: this.#unknown, startsFailed: this.#startsFailed },
    };
  }

  #hasFailed({ method, worker, isMutating }: Request, isUnknown: boolean): void {
    const count = (of: Map<string, number>, key: string): void => void of.set(key, (of.get(key) ?? 0) + 1);
    count(this.failed, method);
    if (worker === null) return;
    if (isMutating && isUnknown) count(this.#unknown, worker);
    if (['resolve', 'prepare', 'start'].includes(method)) count(this.#startsFailed, worker);
  }

  #asked(request: Request): void {
    if (request.method === 'signal') this.#owedSignals.delete(request.worker ?? '');
    if (request.method !== 'ping') this.tell(`     the agent asks ${request.engine.name} for ${nameOf(request)}`);
    for (const { name, check } of callInvariants) {
      const text = check(this.#view(), request);
      if (text !== null) this.#break(name, text);
    }
  }

  /** Noticed within a step. Thrown there it would be the supervisor's to handle. */
  #break(name: string, text: string): void {
    this.#broken ??= new Violation(name, text);
  }

  #tellPhases(): void {
    for (const { worker, life } of this.agent?.crew.all() ?? []) {
      const now = `${life.phase}${life.want === 'run' ? '' : `, ${life.want}`}${life.blind === null ? '' : ', blind'} (${life.instance})`;
      if (this.#phases.get(worker) !== now) this.tell(`        ${worker} is ${now}`);
      this.#phases.set(worker, now);
    }
  }
}

const nameOf = ({ method, worker, instance }: Request): string => `${method}${worker === null ? '' : ` of ${worker}/${instance}`}`;
