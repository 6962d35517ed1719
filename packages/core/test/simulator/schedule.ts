import type { StartSlots } from '../../src/supervise/gate.ts';
import type { ProbeWatch } from '../../src/supervise/index.ts';
import { Faults } from './faults.ts';
import { someHost } from './host.ts';
import type { FaultKind, Outcome, ScheduleOptions } from './outcome.ts';
import { Random } from './random.ts';
import type { Request } from './requests.ts';
import { Violation } from './violation.ts';
import { World } from './world.ts';

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
  return { seed: options.seed, steps: story.world.steps, workers: story.workers, faults: story.faults, failed: story.world.failed, violation };
}

/** Stories between two with a store of SQLite: those take five times as long. */
const realStoreEvery = 25;

/** As a host file asks for it, as it is where it asks for nothing, or as no host file can. */
function someSlots(random: Random): { readonly slots: StartSlots; readonly asked?: number | null } {
  const asked = 1 + random.int(4);
  if (random.chance(0.4)) return { slots: { total: asked, engine: asked, process: asked }, asked };
  if (random.chance(0.1)) return { slots: { total: 1000, engine: 4, process: 64 }, asked: null };
  return { slots: { total: 1 + random.int(5), engine: asked, process: 1 + random.int(4) } };
}

class Story {
  readonly world: World;
  readonly workers: number;
  readonly #faults: Faults;
  readonly #options: ScheduleOptions;
  readonly #random: Random;

  constructor(options: ScheduleOptions) {
    this.#options = options;
    const random = new Random(options.seed, options.rarity);
    this.#random = random;
    const host = someHost(random);
    this.workers = host.workers.length;
    const apply = random.chance(0.3) ? 'auto' : 'manual';
    this.world = new World({ ...host, random, ...someSlots(random), apply, isStoreReal: options.seed % realStoreEvery === 0, onTell: options.onStep });
    this.#faults = new Faults(this.world, random, this.workers, options.without);
  }

  get faults(): ReadonlyMap<FaultKind, number> {
    return this.#faults.seen;
  }

  async run(): Promise<void> {
    const { world } = this;
    world.boot();
    await world.settle();
    // Some of them begin with a host on which all runs already.
    if (this.#random.chance(0.25)) await world.comeToRest();
    const limit = world.steps + (this.#options.steps ?? 45 + this.#random.int(70));
    while (world.steps < limit) await this.#step();
    // What one engine does to its own workers, the others must not feel.
    if (this.#random.chance(0.2)) {
      world.heal('docker');
      await world.comeToRest('docker');
    }
    world.heal();
    await world.comeTrue();
    if (this.#random.chance(0.25)) await this.#goOnWell();
    if (this.#random.rarely(0.15)) await this.#startByHand();
    if (this.#random.chance(0.15)) await world.keepTime(10_000 + this.#random.int(60_000));
    if (this.#random.rarely(0.08)) await this.#loseDataRoot();
    const isByAge = this.#random.chance(0.5);
    world.disk.trim(1 + this.#random.int(200), isByAge ? this.#random.next() : null);
  }

  /** Nothing fails, things happen, no time passes: what is known follows what is. */
  async #goOnWell(): Promise<void> {
    const { world } = this;
    world.tell('what happens now is known at once');
    for (const engine of world.engines) engine.isFlawless = true;
    for (let left = 10 + this.#random.int(30); left > 0; left--) {
      world.steps += 1;
      this.#goOnAtOnce();
      await world.settle();
    }
    await world.comeToKnow();
  }

  #goOnAtOnce(): void {
    const { world } = this;
    const { agent } = world;
    this.#choose([
      ...this.#arrivals(),
      [agent !== null && agent.probes.length > 0 ? 3 : 0, () => this.#verdict(this.#random.pick(agent!.probes))],
      [agent?.isUp && !agent.isEnding ? 0.8 : 0, () => world.user.wish(agent!)],
      [3, () => this.#accident()],
      [1, () => this.#hintAtNothing()],
      [0.5, () => this.#unheard()],
    ]);
  }

  /** What happens while nobody hears of it; then it is told that something was missed. */
  #unheard(): void {
    const engine = this.#random.pick(this.world.engines);
    engine.isDeaf = true;
    this.#accident();
    engine.isDeaf = false;
    engine.tellOfGap();
  }

  /** Somebody starts what has ended and rests, past the agent: it is taken over, or stopped where it is not wanted. */
  async #startByHand(): Promise<void> {
    const { world } = this;
    const ended = world.engines.flatMap((engine) => engine.here().flatMap((real) => (real.is === 'exited' ? [{ engine, real }] : [])));
    const present = ended.filter(({ real: { ref } }) => {
      const life = world.agent?.crew.get(ref.worker)?.life;
      // What was taken for gone by another store is nobody's until somebody looks.
      const isGone = world.disk.instances.get(`${ref.worker}/${ref.instance}`)?.state === 'gone';
      return life?.instance === ref.instance && !isGone && ['idle', 'done', 'failed', 'backoff'].includes(life.phase);
    });
    if (present.length === 0) return;
    const { engine, real } = this.#random.pick(present);
    world.tell(`somebody starts ${real.ref.worker}/${real.ref.instance} by hand`);
    // Sometimes all that is told of it is that something was missed.
    const isMissed = this.#random.chance(0.3);
    engine.isDeaf = isMissed;
    engine.startByHand(real);
    engine.isDeaf = false;
    if (isMissed) engine.tellOfGap();
    await world.comeToRest();
  }

  /** Docker goes down, and comes up with another store for good: what had ended before is not missed. */
  async #loseDataRoot(): Promise<void> {
    const { world } = this;
    world.tell('docker goes down');
    world.docker.goDown(true);
    await world.pass(15_000);
    world.replaceDocker('docker-store-2');
    world.docker.isDown = false;
    await world.comeToRest();
  }

  async #step(): Promise<void> {
    const { world } = this;
    world.steps += 1;
    this.#goOn();
    // Two things that come in one turn of the loop: what the second is about may be no more.
    if (this.#random.rarely(0.04)) this.#goOn();
    await world.settle();
  }

  #goOn(): void {
    const { world } = this;
    const { agent, timeline } = world;
    const arrivals = this.#arrivals();
    const isMoving = arrivals.some(([weight]) => weight > 0);
    this.#choose([
      ...arrivals,
      // Most of what is on its way comes before the time is up that it has for that.
      [isMoving ? 1.5 : 4, () => void timeline.advance()],
      [agent !== null && agent.probes.length > 0 ? 3 : 0, () => this.#verdict(this.#random.pick(agent!.probes))],
      [agent !== null && agent.lateProbe !== null ? 0.3 : 0, () => this.#verdict(agent!.lateProbe!, 0.5)],
      [agent?.isUp && !agent.isEnding ? 1.2 : 0, () => world.user.wish(agent!)],
      [agent !== null && agent.lateProbe !== null ? 0.2 : 0, () => this.#lateTimer(agent!.lateProbe!)],
      [0.7, () => this.#accident()],
      [0.5, () => this.#hintAtNothing()],
      [0.15 * this.#random.rarity, () => this.#police()],
      [0.1 * this.#random.rarity, () => this.#loseSecret()],
      [0.85, () => this.#faults.one()],
    ]);
  }

  /** What is on its way, whatever the time: a turn of the loop, the disk, a call. */
  #arrivals(): readonly (readonly [number, () => void])[] {
    const { world } = this;
    const { timeline, disk } = world;
    const requests = world.steppable();
    return [
      [timeline.hasTurns() ? 9 : 0, () => timeline.turn()],
      [disk.hasWork() ? 9 : 0, () => world.stepDisk()],
      [requests.length > 0 ? 12 : 0, () => world.stepRequest(this.#random.pick<Request>(requests))],
    ];
  }

  /** One of them, by their weights. */
  #choose(choices: readonly (readonly [number, () => void])[]): void {
    let at = this.#random.next() * choices.reduce((sum, [weight]) => sum + weight, 0);
    const chosen = choices.find(([weight]) => {
      at -= weight;
      return at < 0;
    });
    chosen?.[1]();
  }

  /** The policy of the host is another one. */
  #police(): void {
    const { agent, forbidden, file } = this.world;
    const names = file.names();
    if (names.length === 0) return;
    const name = this.#random.pick(names);
    if (!forbidden.delete(name)) forbidden.add(name);
    this.world.tell(`the policy ${forbidden.has(name) ? 'forbids' : 'allows'} ${name}`);
    agent?.crew.update();
  }

  /** What its secret is cannot be read for a while. */
  #loseSecret(): void {
    const { file } = this.world;
    file.isSecretLost = !file.isSecretLost;
    this.world.tell(file.isSecretLost ? 'the secret cannot be read' : 'the secret can be read');
  }

  #verdict(watch: ProbeWatch, good = 0.85): void {
    const isGood = this.#random.chance(good);
    this.world.tell(`${watch.worker}/${watch.instance} is found ${isGood ? 'healthy' : 'unhealthy'}`);
    this.world.find(watch, isGood);
  }

  /** What a timer of an instance that has ended had put before its worker already. */
  #lateTimer({ worker, instance }: ProbeWatch): void {
    const one = this.world.agent?.crew.get(worker);
    if (one === undefined || one.life.phase === 'running') return;
    if (this.#random.chance(0.5)) void one.send({ type: 'steady', instance });
    else void one.send({ type: 'overdone', instance, cause: one.normal()?.rules.schedule ? 'timeout' : 'age', evidence: null });
  }

  /** What happens to workers without anybody's doing. */
  #accident(): void {
    const running = this.world.engines.flatMap((engine) =>
      engine
        .here()
        .filter(({ is }) => is === 'running')
        .map((real) => ({ engine, real })),
    );
    if (running.length === 0) return;
    const { engine, real } = this.#random.pick(running);
    if (this.#random.rarely(0.1)) {
      this.world.tell(`${real.ref.worker}/${real.ref.instance} is removed from outside`);
      engine.removeByHand(real);
      return;
    }
    this.world.tell(`${real.ref.worker}/${real.ref.instance} is killed from outside`);
    engine.end(real, { code: null, signal: 'SIGKILL' });
  }

  /** An engine tells of what has not changed, or was heard of already. */
  #hintAtNothing(): void {
    const engine = this.#random.pick(this.world.engines);
    const here = engine.here();
    if (here.length > 0) engine.tell(this.#random.pick(here).ref);
  }
}
