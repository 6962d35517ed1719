import { setImmediate as turnOfNode } from 'node:timers/promises';
import { Agent } from './agent.ts';
import { Disk } from './disk.ts';
import { Engine, type Request } from './engine.ts';
import { someHost } from './host.ts';
import { callInvariants, invariants, leaked, unsettled, type View } from './invariants.ts';
import { type FaultKind, faultKinds, type Outcome, type ScheduleOptions } from './outcome.ts';
import { Random } from './random.ts';
import { Timeline } from './timeline.ts';
import { User } from './user.ts';

class Violation extends Error {
  readonly of: string;
  constructor(of: string, text: string) {
    super(text);
    this.of = of;
  }
}

/** How long a host may take to come to rest once nothing fails any more. */
const settleMs = 15 * 60_000;
const settleSteps = 20_000;

/** One story: a host, its agents, its engines and its user, in the order that the seed chooses. */
export async function runSchedule(options: ScheduleOptions): Promise<Outcome> {
  const story = new Story(options);
  let violation: Outcome['violation'] = null;
  try {
    await story.run();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = { name: error.of, text: error.message };
  }
  return { seed: options.seed, steps: story.steps, workers: story.workers, faults: story.faults, violation };
}

class Story {
  steps = 0;
  readonly workers: number;
  readonly faults = new Map<FaultKind, number>();
  readonly #options: ScheduleOptions;
  readonly #random: Random;
  readonly #timeline = new Timeline();
  readonly #disk = new Disk();
  readonly #engines: readonly Engine[];
  readonly #user: User;
  readonly #slots: number;
  #blind: ReadonlySet<string> = new Set();
  #agent: Agent | null = null;
  #serial = 0;
  #broken: Violation | null = null;

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    const { workers, behaviours } = someHost(this.#random);
    this.workers = workers.length;
    this.#slots = 1 + this.#random.int(4);
    this.#user = new User(workers, this.#random, (text) => this.#tell(text));
    const plain = { exit: null, failsToStart: false, ignoresSignals: false };
    this.#engines = ['docker', 'native'].map(
      (name) =>
        new Engine({
          ...{ name, timeline: this.#timeline, random: this.#random, behaviour: (worker) => behaviours.get(worker) ?? plain, onStart() {} },
          onAsked: (request) => this.#asked(request),
        }),
    );
  }

  async run(): Promise<void> {
    this.#boot();
    await this.#settle();
    if (this.#agent !== null) this.#user.declareAll(this.#agent);
    const limit = this.#options.steps ?? 120 + this.#random.int(160);
    while (this.steps < limit) await this.#step();
    this.#heal();
    await this.#comeToRest();
    const leak = leaked(this.#view());
    if (leak !== null) throw new Violation('no secret', leak);
  }

  get #docker(): Engine {
    return this.#engines[0]!;
  }

  #view(): View {
    return { engines: this.#engines, disk: this.#disk, agent: this.#agent, slots: this.#slots, held: this.#user.held, blind: this.#blind };
  }

  #tell(text: string): void {
    this.#options.onStep?.(`${String(this.steps).padStart(4)} ${(this.#timeline.nowMs / 1000).toFixed(3).padStart(9)} s  ${text}`);
  }

  #asked(request: Request): void {
    if (request.method !== 'ping')
      this.#tell(
        `     the agent asks ${request.engine.name} for ${request.method}${request.worker === null ? '' : ` of ${request.worker}/${request.instance}`}`,
      );
    for (const { name, check } of callInvariants) {
      const text = check(this.#view(), request);
      // Thrown here it would be the supervisor's to handle.
      if (text !== null) this.#broken ??= new Violation(name, text);
    }
  }

  #boot(): void {
    this.#tell('an agent starts');
    this.#agent = new Agent({
      ...{ timeline: this.#timeline, disk: this.#disk, engines: this.#engines, random: this.#random, slots: this.#slots },
      newInstance: () => `i${++this.#serial}`,
    });
  }

  /** All that follows by itself has happened; then everything is looked at. */
  async #settle(): Promise<void> {
    await turnOfNode();
    if (this.#broken !== null) throw this.#broken;
    const view = this.#view();
    if (this.#options.onStep !== undefined) this.#tellPhases();
    for (const { name, check } of invariants) {
      const text = check(view);
      if (text !== null) throw new Violation(name, text);
    }
    const blind = this.#agent?.crew.all().filter(({ life }) => life.blind !== null) ?? [];
    this.#blind = new Set(blind.map(({ worker }) => worker));
  }

  readonly #phases = new Map<string, string>();

  #tellPhases(): void {
    for (const { worker, life } of this.#agent?.crew.all() ?? []) {
      const now = `${life.phase}${life.want === 'run' ? '' : `, ${life.want}`}${life.blind === null ? '' : ', blind'} (${life.instance})`;
      if (this.#phases.get(worker) !== now) this.#tell(`        ${worker} is ${now}`);
      this.#phases.set(worker, now);
    }
  }

  async #step(): Promise<void> {
    this.steps += 1;
    const requests = this.#steppable();
    const choices: readonly (readonly [number, () => void])[] = [
      [this.#timeline.hasTurns() ? 9 : 0, () => this.#timeline.turn()],
      [this.#disk.hasWork() ? 9 : 0, () => this.#stepDisk()],
      [requests.length > 0 ? 12 : 0, () => this.#stepRequest(this.#random.pick(requests))],
      [4, () => void this.#timeline.advance()],
      [this.#agent !== null && this.#agent.probes.length > 0 ? 3 : 0, () => this.#verdict()],
      [this.#agent?.isUp ? 1.2 : 0, () => this.#user.wish(this.#agent!)],
      [0.7, () => this.#accident()],
      [1, () => this.#fault()],
    ];
    let at = this.#random.next() * choices.reduce((sum, [weight]) => sum + weight, 0);
    const chosen = choices.find(([weight]) => {
      at -= weight;
      return at < 0;
    });
    (chosen ?? choices[3]!)[1]();
    await this.#settle();
  }

  #steppable(): readonly Request[] {
    return this.#engines.flatMap((engine) => (engine.isFrozen ? engine.requests.filter(({ done }) => done !== null) : engine.requests));
  }

  #stepDisk(): void {
    this.#tell('the disk goes on');
    this.#disk.step();
  }

  #stepRequest(request: Request): void {
    const what = `${request.method}${request.worker === null ? '' : ` of ${request.worker}/${request.instance}`}`;
    if (request.method !== 'ping') this.#tell(`${request.engine.name} ${request.done === null ? 'carries out' : 'answers'} ${what}`);
    request.engine.step(request);
  }

  #verdict(): void {
    const watch = this.#random.pick(this.#agent!.probes);
    const isGood = this.#random.chance(0.85);
    this.#tell(`${watch.worker}/${watch.instance} is found ${isGood ? 'healthy' : 'unhealthy'}`);
    watch.onVerdict({ health: isGood ? 'ok' : 'bad', evidence: 'a probe', failures: isGood ? 0 : 3, afterMs: isGood ? 1 : null });
  }

  /** What happens to workers without anybody's doing. */
  #accident(): void {
    const running = this.#engines.flatMap((engine) =>
      engine
        .here()
        .filter(({ is }) => is === 'running')
        .map((real) => ({ engine, real })),
    );
    if (running.length === 0) return;
    const { engine, real } = this.#random.pick(running);
    this.#tell(`${real.ref.worker}/${real.ref.instance} is killed from outside`);
    engine.end(real, { code: null, signal: 'SIGKILL' });
  }

  #fault(): void {
    const kind = this.#random.pick(faultKinds);
    const undo = this.#random.chance(0.6);
    if (this.#options.without?.has(kind)) return;
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1);
    const docker = this.#docker;
    const engine = this.#random.pick(this.#engines);
    switch (kind) {
      case 'death':
        this.#die();
        break;
      case 'reboot':
        this.#tell('the host is started again');
        this.#die();
        for (const one of this.#engines) {
          one.forgetRequests();
          for (const real of one.instances.values()) one.end(real, { code: 255, signal: null });
        }
        break;
      case 'down':
        docker.isDown = !undo;
        this.#tell(docker.isDown ? 'docker goes down' : 'docker is up');
        if (docker.isDown) docker.forgetRequests();
        break;
      case 'freeze':
        engine.isFrozen = !undo;
        this.#tell(`${engine.name} ${engine.isFrozen ? 'freezes' : 'thaws'}`);
        break;
      case 'replace':
        this.#replace(undo ? 'docker-store-1' : 'docker-store-2');
        break;
      case 'deaf':
        engine.isDeaf = !undo;
        this.#tell(`the events of ${engine.name} ${engine.isDeaf ? 'are lost' : 'come again'}`);
        break;
      case 'full':
        this.#disk.isFull = !undo;
        this.#tell(this.#disk.isFull ? 'the disk is full' : 'the disk has room');
        break;
      case 'clock': {
        const ms = Math.round((this.#random.next() - 0.5) * 7_200_000);
        this.#timeline.jump(ms);
        this.#tell(`the clock is set by ${Math.round(ms / 1000)} s`);
      }
    }
  }

  #die(): void {
    if (this.#agent === null || this.#agent.owner.isDead) return;
    this.#tell('the agent is killed');
    this.#agent.die();
    this.#boot();
  }

  /** Its data root is another one: what ran in the old one has ended with the engine that had it. */
  #replace(store: string): void {
    const docker = this.#docker;
    if (docker.store === store) return;
    this.#tell(`docker comes up with ${store}`);
    docker.forgetRequests();
    for (const real of docker.here()) docker.end(real, { code: 137, signal: null });
    docker.store = store;
  }

  #heal(): void {
    this.#tell('nothing fails any more');
    for (const engine of this.#engines) {
      engine.isDown = false;
      engine.isFrozen = false;
      engine.isDeaf = false;
    }
    this.#replace('docker-store-1');
    this.#disk.isFull = false;
  }

  /** Everything that is on its way arrives before time goes on. */
  async #comeToRest(): Promise<void> {
    const endMs = this.#timeline.nowMs + settleMs;
    let why: string | null = 'nothing was looked at';
    for (let step = 0; step < settleSteps && this.#timeline.nowMs < endMs; step++) {
      const [request] = this.#steppable();
      if (this.#timeline.hasTurns()) this.#timeline.turn();
      else if (this.#disk.hasWork()) this.#stepDisk();
      else if (request !== undefined) this.#stepRequest(request);
      else {
        why = unsettled(this.#view());
        if (why === null) return;
        if (step % 3 === 0) for (const watch of [...(this.#agent?.probes ?? [])]) watch.onVerdict({ health: 'ok', evidence: '', failures: 0, afterMs: 1 });
        else this.#timeline.advance();
      }
      this.steps += 1;
      await this.#settle();
    }
    throw new Violation('comes to rest', `after ${Math.round((this.#timeline.nowMs - endMs + settleMs) / 1000)} s in which nothing failed: ${why}`);
  }
}
