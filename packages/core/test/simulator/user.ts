import { isProblem } from '../../src/base/problem.ts';
import type { Phase } from '../../src/store/index.ts';
import { isStoreFailure } from '../../src/store/index.ts';
import type { Supervisor } from '../../src/supervise/index.ts';
import type { Agent } from './agent.ts';
import type { Declared } from './host.ts';
import type { HostFile } from './host-file.ts';
import type { Random } from './random.ts';
import { misrefused } from './refusals.ts';
import { unstopped } from './rest.ts';

const lasting = new Set<Phase>(['idle', 'running', 'done', 'failed']);

/** Somebody who holds, starts, restarts, edits the host file and applies it, and who remembers what was answered. */
export class User {
  /** Held, and told that it is. */
  readonly held = new Set<string>();
  /** Version of the file whose apply was answered last. */
  applied = -1;
  wishesAtDown: ReadonlyMap<string, number> = new Map();
  /** Those that there were. */
  meantByDown: ReadonlySet<Supervisor> = new Set();
  /** Those of them that were held, or to be removed, by then. */
  heldBeforeDown: ReadonlySet<Supervisor> = new Set();
  readonly #workers: readonly Declared[];
  readonly #file: HostFile;
  readonly #random: Random;
  readonly #tell: (text: string) => void;
  /** Of what is not as the answer said. */
  readonly #onLie: (text: string) => void;
  /** Applies that are under way. */
  #applies = 0;
  /** How many there ever were. */
  appliesEver = 0;
  /** Waits for the answer that everything is down. */
  #downs = 0;
  /** How many there ever were. */
  #begun = 0;
  /** Ends those. */
  readonly #callOffs = new Set<AbortController>();
  /** By worker: what ran when a restart of it was asked for and answered. */
  readonly restarted = new Map<string, string>();
  /** Number of the last wish for a worker: an answer to an older one says nothing any more. */
  readonly #wishes = new Map<string, number>();

  constructor(workers: readonly Declared[], file: HostFile, random: Random, tell: (text: string) => void, onLie: (text: string) => void) {
    this.#workers = workers;
    this.#file = file;
    this.#random = random;
    this.#tell = tell;
    this.#onLie = onLie;
  }

  wish(agent: Agent): void {
    if (this.#downs > 0 && this.#random.chance(0.1)) {
      this.#callOff();
      return;
    }
    if (this.#random.chance(0.06)) {
      this.#down(agent);
      return;
    }
    if (this.#random.chance(0.03)) {
      this.#up(agent);
      return;
    }
    if (this.#random.chance(0.08)) {
      this.#besides(agent);
      return;
    }
    const isLifting = this.#downs > 0 && this.#random.chance(0.5);
    const declared = isLifting ? this.#heldOne(agent) : this.#someone(agent);
    const { name } = declared;
    const one = agent.crew.get(name);
    const downs = this.#downs > 0 ? null : this.#begun;
    const kind = isLifting ? 3 : this.#random.int(10);
    const isThere = one !== undefined && this.#file.has(name);
    if (!isThere || kind < 8) this.#forget(name);
    const number = this.#wishes.get(name);
    const applies = this.#applies > 0 ? null : this.applied;
    const hold = (): void => this.#hold(agent, name, number, applies === this.applied);
    if (!isThere) this.#edit(agent, `declare ${name}`, () => this.#file.put(declared));
    else if (kind < 3) this.#ask(agent, `stop ${name}`, () => one.send({ type: 'hold', by: 'user', cause: 'held' }), hold);
    else if (kind < 5 && one.normal()?.rules.kind !== 'service' && this.#random.chance(0.7)) this.#runOrCancel(agent, name);
    else if (kind < 5)
      this.#ask(
        agent,
        `start ${name}`,
        () => one.send({ type: 'start', by: 'user', cause: 'user' }),
        () => this.#isWanted(agent, name, number, downs),
      );
    else if (kind < 7) this.#restart(agent, one, number, downs);
    else if (kind < 8) this.#edit(agent, `remove ${name}`, () => this.#file.remove(name));
    else {
      // By another definition others may depend on it, or it on others.
      this.meantByDown = new Set([...this.meantByDown].filter(({ worker }) => worker !== name));
      this.#edit(agent, `change ${name}`, () => this.#file.edit(name));
    }
  }

  /** What is not done to one worker of the host file. */
  #besides(agent: Agent): void {
    const kind = this.#random.int(4);
    if (kind === 0) this.#edit(agent, 'the images are made anew', () => this.#file.makeImages());
    else if (kind === 1) this.#edit(agent, 'the secret is another', () => this.#file.setSecret());
    else this.#applyOnly(agent, this.#random.pick(this.#workers).name);
  }

  /** Often one that cannot be seen, is being stopped, or is in a phase that does not last: those are met seldom otherwise. */
  #someone(agent: Agent): Declared {
    const unseen = this.#workers.filter(({ name }) => (agent.crew.get(name)?.life.blind ?? null) !== null);
    if (unseen.length > 0 && this.#random.chance(0.15)) return this.#random.pick(unseen);
    const ending = this.#workers.filter(({ name }) => (agent.crew.get(name)?.life.stopCause ?? null) !== null);
    if (ending.length > 0 && this.#random.chance(0.15)) return this.#random.pick(ending);
    const passing = this.#workers.filter(({ name }) => !lasting.has(agent.crew.get(name)?.life.phase ?? 'idle'));
    return passing.length > 0 && this.#random.chance(0.3) ? this.#random.pick(passing) : this.#random.pick(this.#workers);
  }

  /** Most likely one that cannot be seen: what it is, is not what is wished of it. */
  #heldOne(agent: Agent): Declared {
    const held = this.#workers.filter(({ name }) => agent.crew.get(name)?.life.want === 'held');
    const unseen = held.filter(({ name }) => agent.crew.get(name)?.life.blind !== null);
    const some = unseen.length > 0 ? unseen : held;
    return some.length > 0 ? this.#random.pick(some) : this.#someone(agent);
  }

  #restart(agent: Agent, one: Supervisor, number: number | undefined, downs: number | null): void {
    const { phase, instance } = one.life;
    this.#ask(
      agent,
      `restart ${one.worker}`,
      () => one.send({ type: 'restart', by: 'user', cause: 'restart' }),
      () => {
        this.#isWanted(agent, one.worker, number, downs);
        if (phase === 'running' && instance !== null && this.#wishes.get(one.worker) === number) this.restarted.set(one.worker, instance);
      },
    );
  }

  #runOrCancel(agent: Agent, name: string): void {
    const type = this.#random.pick(['run', 'run', 'cancel'] as const);
    const epoch = agent.crew.get(name)?.life.epoch ?? 0;
    const event = type === 'run' ? { type, by: 'user' } : { type, by: 'user', epoch };
    this.#ask(agent, `${type} ${name}`, async () => agent.crew.get(name)?.send(event));
  }

  /** All are held from the answer on, those that somebody wished something else of in between aside. */
  #down(agent: Agent): void {
    const callOff = new AbortController();
    this.#callOffs.add(callOff);
    this.goesDown(agent);
    let isDown = false;
    // Who is declared later is not meant.
    const there = this.#workers.filter(({ name }) => agent.crew.get(name) !== undefined);
    const wishes = new Map(there.map(({ name }) => [name, this.#wishes.get(name)]));
    const instances = new Map(there.map(({ name }) => [name, agent.crew.get(name)?.life.instance]));
    this.#downs += 1;
    this.#begun += 1;
    this.#ask(
      agent,
      'down',
      async () => {
        isDown = await agent.down(callOff.signal).finally(() => this.#wentDown(agent, callOff));
      },
      () => {
        if (!isDown && !callOff.signal.aborted) this.#onLie('nobody has called it off, and not everything is told to be down');
        if (!isDown) return;
        for (const [name, number] of wishes) if (this.#wishes.get(name) === number) this.#hold(agent, name, number, false);
        // What an engine turns out to have of a lost store is found, and stopped, after the answer.
        const isMeant = (name: string): boolean => this.#wishes.get(name) === wishes.get(name) && agent.crew.get(name)?.life.instance === instances.get(name);
        const lie = unstopped({ engines: [], agent }, (name) => this.held.has(name) && wishes.has(name) && isMeant(name));
        if (lie !== null) this.#onLie(`everything is down, and ${lie}`);
      },
    );
  }

  /** The store was lost, and with it who is held. */
  storeWasLost(): void {
    this.#forgetAll();
    this.applied = -1;
  }

  apply(agent: Agent, isUp = false): void {
    const { version } = this.#file;
    this.#applies += 1;
    this.appliesEver += 1;
    this.#ask(
      agent,
      isUp ? 'up' : 'apply',
      async () => {
        await agent.apply().finally(() => this.#ended(agent));
        if (!isUp || agent.owner.isDead) return;
        this.#forgetAll();
        await agent.release();
      },
      () => {
        this.applied = version;
      },
    );
  }

  /** The host file is applied to one worker. */
  #applyOnly(agent: Agent, name: string): void {
    this.#forget(name);
    this.#applies += 1;
    this.appliesEver += 1;
    this.#ask(agent, `apply to ${name} alone`, () => agent.apply([name]).finally(() => this.#ended(agent)));
  }

  /** The host file is applied, and every hold lifted. */
  #up(agent: Agent): void {
    this.#forgetAll();
    this.apply(agent, true);
  }

  /** What is being removed cannot be held; an apply that is under way may have read the file when it was not in it. */
  #hold(agent: Agent, name: string, number: number | undefined, isPlain: boolean): void {
    const want = agent.crew.get(name)?.life.want;
    if (this.#wishes.get(name) !== number || this.#applies > 0) return;
    if (want === 'held') this.held.add(name);
    else if (want === 'run' && isPlain) this.#onLie(`${name} was stopped, and is wanted`);
  }

  /** `downs`: how many were begun when it was asked for; `null` = one was under way. */
  #isWanted(agent: Agent, name: string, number: number | undefined, downs: number | null): void {
    const life = agent.crew.get(name)?.life;
    if (this.#wishes.get(name) === number && life?.want === 'held' && life.heldBy !== 'health' && downs === this.#begun)
      this.#onLie(`${name} was started, and is held`);
  }

  #ended({ owner }: Agent): void {
    if (!owner.isDead) this.#applies -= 1;
  }

  #wentDown({ owner }: Agent, callOff: AbortController): void {
    if (owner.isDead) return;
    this.#downs -= 1;
    this.#callOffs.delete(callOff);
  }

  /** What was asked to go down may go on, and who asked is told at once. */
  #callOff(): void {
    this.#tell('the user: down is called off');
    for (const callOff of this.#callOffs) callOff.abort();
  }

  /** Somebody waits although that was called off. */
  get isKept(): boolean {
    return [...this.#callOffs].some(({ signal }) => signal.aborted);
  }

  /** By worker: how often something else was asked of it. */
  get wishes(): ReadonlyMap<string, number> {
    return this.#wishes;
  }

  /** From here on everything is being stopped; who comes after the first that asked for that is not meant by it. */
  goesDown({ crew }: Agent): void {
    if (this.#downs > 0) return;
    this.wishesAtDown = new Map(this.#wishes);
    this.meantByDown = new Set(crew.all());
    this.heldBeforeDown = new Set(crew.all().filter(({ life }) => life.want !== 'run'));
  }

  get isLeftWaiting(): boolean {
    return this.#downs > 0;
  }

  /** Those that were under way ended with their agent. */
  agentDied(): void {
    this.#applies = 0;
    this.#downs = 0;
    this.#callOffs.clear();
  }

  /** Not held from the moment that something else is asked for, held from the answer on; also one that was held when it was removed. */
  #forget(name: string): void {
    this.#wishes.set(name, (this.#wishes.get(name) ?? 0) + 1);
    this.held.delete(name);
    this.restarted.delete(name);
  }

  #forgetAll(): void {
    for (const { name } of this.#workers) this.#forget(name);
  }

  #edit(agent: Agent, what: string, edit: () => void): void {
    edit();
    this.#tell(`the user: ${what}`);
    this.apply(agent);
  }

  #ask(agent: Agent, what: string, run: () => Promise<unknown>, then?: () => void): void {
    this.#tell(`the user: ${what}`);
    run().then(
      () => agent.owner.isDead || then?.(),
      (error: unknown) => {
        if (agent.owner.isDead) return;
        this.#tell(`the user is told: ${String(error)}`);
        const still = isProblem(error) && error.code === 'not-finished-in-time' ? /^(\S+) is still being removed/.exec(error.message)?.[1] : undefined;
        if (still !== undefined && agent.crew.get(still)?.isClosed !== true) this.#onLie(`${still} is told to be on its way out still, and is not`);
        const refused = isProblem(error) ? misrefused(error) : null;
        if (refused !== null) this.#onLie(refused);
        if (!isProblem(error) && !isStoreFailure(error)) this.#onLie(`${what} was answered with ${String(error)}`);
      },
    );
  }
}
