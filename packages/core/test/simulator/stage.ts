import { setImmediate as turnOfNode } from 'node:timers/promises';
import { type StartSlots, startSlots } from '../../src/supervise/gate.ts';
import type { Life } from '../../src/supervise/life.ts';
import { Agent } from './agent.ts';
import { Attention } from './attention.ts';
import { callInvariants } from './call-invariants.ts';
import { coverage } from './coverage.ts';
import { beyondSlots, unmetDependency } from './decisions.ts';
import { Disk } from './disk.ts';
import { Engine } from './engine.ts';
import type { Declared } from './host.ts';
import { HostFile } from './host-file.ts';
import { invariants, type View } from './invariants.ts';
import { Losses } from './losses.ts';
import { Narrator } from './narrator.ts';
import type { Random } from './random.ts';
import type { Behaviour } from './real.ts';
import { Repeats } from './repeats.ts';
import type { Request } from './requests.ts';
import { unstopped } from './rest.ts';
import { Signals } from './signals.ts';
import { misstarted } from './starts.ts';
import { Timeline } from './timeline.ts';
import { User } from './user.ts';
import { Violation } from './violation.ts';

export interface WorldGiven {
  readonly workers: readonly Declared[];
  readonly behaviours: ReadonlyMap<string, Behaviour>;
  readonly random: Random;
  readonly slots: StartSlots;
  /** What the host file says of them, where that is what they come from. */
  readonly asked?: number | null | undefined;
  readonly apply: 'manual' | 'auto';
  /** SQLite is beside the disk, and each read is held against it. */
  readonly isStoreReal?: boolean | undefined;
  /** Hears what happens. */
  readonly onTell?: ((text: string) => void) | undefined;
}

const steady: Behaviour = { exit: null, failsToPrepare: false, failsToStart: false, ignoresSignals: false };

/** Whatever hangs, and however full the disk is: the deadlines of all that is asked first, one after the other. */
const comesUpMs = 60_000;

/** A host, its engines, its disk, its user and the agent of the moment; whatever is done to it, all that must hold is looked at after each step. */
export class Stage {
  steps = 0;
  readonly failed = new Map<string, number>();
  readonly timeline = new Timeline();
  readonly disk: Disk;
  readonly docker: Engine;
  readonly native: Engine;
  readonly engines: readonly Engine[];
  readonly file: HostFile;
  readonly user: User;
  agent: Agent | null = null;
  /** The host's clock was set: what it says of the past is no evidence. */
  isClockSet = false;
  #hasSlept = false;
  readonly #given: WorldGiven;
  readonly #narrator = new Narrator();
  /** What the policy of the host does not let run. */
  readonly forbidden = new Set<string>();
  protected readonly signals = new Signals();
  /** With it what each was started with. */
  protected isStoreLost = false;
  /** Deaths of agents, and other stores of an engine: in each, calls came to nobody. */
  protected upheavals = 0;
  readonly #unknown = new Map<string, number>();
  readonly #startsFailed = new Map<string, number>();
  readonly #attention = new Attention();
  readonly #repeats = new Repeats();
  readonly #losses = new Losses();
  readonly #removed = new Set<string>();
  /** `null`: in this step, in which time may go on before it has begun anything. */
  #bootedMs: number | null = null;
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
        ...{ name, timeline: this.timeline, random, behaviour: (worker: string) => behaviours.get(worker) ?? steady, image: () => this.file.image },
        onFailed: (request, isUnknown) => this.#hasFailed(request, isUnknown),
        onAsked: (request) => this.#asked(request),
        onAnswered: (request, value) => this.#attention.answered(request, value, this.#lifeOf(request)),
        onStart: (ref, run) => {
          const wrong = misstarted(ref, run, workers, this.agent);
          if (wrong !== null) this.#break(wrong.of, wrong.text);
        },
      });
    this.docker = engine('docker');
    this.native = engine('native');
    this.engines = [this.docker, this.native];
  }

  tell(text: string): void {
    this.#given.onTell?.(`${String(this.steps).padStart(4)} ${(this.timeline.nowMs / 1000).toFixed(3).padStart(9)} s  ${text}`);
  }

  boot(): void {
    this.tell('an agent starts');
    this.#bootedMs = null;
    const { random } = this.#given;
    const { asked } = this.#given;
    const slots = asked === undefined ? this.#given.slots : startSlots(asked);
    this.agent = new Agent({
      ...{ timeline: this.timeline, disk: this.disk, engines: this.engines, hostFile: this.file, random, slots },
      newInstance: () => `i${++this.#serial}`,
      forbidden: (worker) => (this.forbidden.has(worker) ? 'the policy, which forbids it' : null),
      onDecision: (worker, to) => {
        if (to === 'prepare' && this.agent?.isEnding) this.#break('a shut gate', `${worker} is prepared by an agent that is being ended`);
        if (to === 'prepare') this.#attention.chose(worker);
        const { instance } = this.agent?.crew.get(worker)?.life ?? { instance: null };
        const isOut = this.engines.some(({ requests }) =>
          requests.some((one) => one.method === 'start' && one.instance === instance && one.owner === this.agent?.owner && !one.isAbandoned),
        );
        if (to === 'start' && isOut) this.#break('one decision at a time', `${worker}/${instance} is to be started, and a start of it is under way`);
        if (this.forbidden.has(worker)) this.#break('the policy', `${worker} is begun (${to}), and the policy forbids it`);
        const text = to === 'start' ? unmetDependency(this.view(), worker) : beyondSlots(this.view(), worker);
        if (text !== null) this.#break(to === 'start' ? 'dependencies' : 'start slots', text);
      },
      onChange: (worker, life) => {
        this.#attention.changed(worker, life);
        if (life?.want !== 'removed') return;
        this.#removed.add(worker);
        // By whomever it was held: what is found of it later is another.
        this.user.held.delete(worker);
      },
      onUnsound: (text) => this.#break('a sound life', text),
      onUnwell: (worker, onUnhealthy) => this.signals.owe(worker, onUnhealthy, this.user.wishes.get(worker)),
    });
  }

  /** The agent is killed and, after `meanwhile`, started again. */
  die(meanwhile = (): void => {}): void {
    this.tell('the agent is killed');
    this.agent?.die();
    this.upheavals += 1;
    this.signals.forget();
    this.#losses.forget();
    this.#attention.forget();
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
    this.user.goesDown(this.agent);
    void this.agent.end().then(() => {
      const lie = unstopped(this.view(), () => true);
      if (lie !== null) this.#break('an answer is true', `an agent ended with its workers, and ${lie}`);
      this.die();
    });
  }

  /** Nothing goes on, and then all that was due is due at once. */
  sleep(ms: number): void {
    this.tell(`the host sleeps for ${Math.round(ms / 1000)} s`);
    this.timeline.suspend(ms);
    this.#attention.sleep(ms);
    if (this.#bootedMs !== null) this.#bootedMs += ms;
    this.#hasSlept = true;
  }

  reboot(): void {
    this.tell('the host is started again');
    this.die(() => {
      for (const engine of this.engines) engine.losePower();
    });
  }

  /** What a dead agent had begun could not be told from nothing then: it ends with it. `edited`: of what the host file does not say any more what is found. */
  loseStore(edited: string | null = null): void {
    if (this.file.hasMoved) return;
    this.file.mayMove = false;
    if (edited !== null && this.file.has(edited)) this.file.edit(edited);
    this.tell('the store is lost');
    this.isStoreLost = true;
    for (const engine of this.engines) engine.forgetRequests();
    this.die(() => {
      this.disk.lose();
      this.user.storeWasLost();
    });
  }

  /** Its data root is another one: what ran in the old one has ended with the engine that had it. */
  replaceDocker(store: string): void {
    if (this.docker.store === store) return;
    this.tell(`docker comes up with ${store}`);
    this.upheavals += 1;
    // What of one name one store has says nothing of what another has.
    this.#losses.forget();
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
    const wrong = coverage.takeWrong();
    if (wrong !== null) throw new Violation('decided by the rules', wrong);
    if (this.user.isKept) throw new Violation('it can be called off', 'that everything is to go down was called off, and who asked still waits');
    const isWritten = !this.disk.hasWork() && !this.disk.isFull && !this.disk.hasRefused;
    if (this.user.isLeftWaiting && isWritten && !Array.isArray(this.disk.values.get('goingDown')))
      throw new Violation('a down outlives its agent', 'everything is to go down, and the next agent would not know it');
    // A disk that is slow is waited for, one that is full is not.
    if (this.disk.hasWork() && !this.disk.isFull) this.#bootedMs = null;
    this.#bootedMs ??= this.timeline.nowMs;
    const tookMs = this.timeline.nowMs - this.#bootedMs;
    if (this.agent?.isSupervising === false && tookMs > comesUpMs)
      throw new Violation('an agent comes up', `it was started ${tookMs} ms ago, and supervises nothing yet`);
    const view = this.view();
    const neglected = this.#attention.neglected(view, this.timeline.hasTurns() || this.disk.hasWork() || this.disk.isFull, this.timeline.nowMs);
    if (neglected !== null) throw neglected;
    if (this.#given.onTell !== undefined) this.#narrator.tell(this.agent, (text) => this.tell(text));
    for (const { name, check } of invariants) {
      const text = check(view);
      if (text !== null) throw new Violation(name, text);
    }
    this.#losses.note(this.agent, this.engines, !this.isClockSet && !this.#hasSlept);
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
    if (without === null) {
      this.file.isSecretLost = false;
      // What the host file says can be applied then.
      this.forbidden.clear();
      this.agent?.crew.update();
    }
    // Who ends it does not wait for ever.
    if (this.agent?.isEnding) this.die();
  }

  protected view(): View {
    return {
      engines: this.engines,
      disk: this.disk,
      agent: this.agent,
      slots: this.#given.slots,
      jumps: this.timeline.jumps,
      held: this.user.held,
      removed: this.#removed,
      wishes: this.user.wishes,
      wishesAtDown: this.user.wishesAtDown,
      meantByDown: this.user.meantByDown,
      heldBeforeDown: this.user.heldBeforeDown,
      isGoingDown: this.user.isLeftWaiting || this.agent?.isEnding === true,
      blind: this.#losses.blind,
      lost: this.#losses.lost,
      unknown: this.#unknown,
      startsFailed: this.#startsFailed,
    };
  }

  #hasFailed(request: Request, isUnknown: boolean): void {
    const { method, worker, isMutating } = request;
    if (request.owner === this.agent?.owner && !request.owner.isDead) this.#attention.failed(request, this.agent.crew.get(worker ?? ''));
    const count = (of: Map<string, number>, key: string): void => void of.set(key, (of.get(key) ?? 0) + 1);
    count(this.failed, method);
    if (worker === null) return;
    if (!this.#repeats.isKept(request, this.timeline.nowMs, this.user.appliesEver))
      this.#break('tried again at a pace', `the ${method} of ${worker} fails again and again, at once`);
    if (isMutating && isUnknown) count(this.#unknown, worker);
    if (['resolve', 'prepare', 'start'].includes(method)) count(this.#startsFailed, worker);
  }

  #lifeOf({ owner, worker }: Request): Life | undefined {
    return owner === this.agent?.owner ? this.agent.crew.get(worker ?? '')?.life : undefined;
  }

  #asked(request: Request): void {
    if (request.method === 'signal' && !this.signals.sent(request.worker, request.signal))
      this.#break('a signal is sent', `${request.worker} is sent ${request.signal}, which nobody has decided on`);
    this.#attention.asked(request);
    if (request.method !== 'ping') this.tell(`     the agent asks ${request.engine.name} for ${nameOf(request)}`);
    const view = this.view();
    for (const { name, check } of callInvariants) {
      const text = check(view, request);
      if (text !== null) this.#break(name, text);
    }
  }

  /** Noticed within a step. Thrown there it would be the supervisor's to handle. */
  #break(name: string, text: string): void {
    this.#broken ??= new Violation(name, text);
  }
}

const nameOf = ({ method, worker, instance }: Request): string => `${method}${worker === null ? '' : ` of ${worker}/${instance}`}`;
