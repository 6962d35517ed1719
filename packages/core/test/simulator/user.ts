import type { Agent } from './agent.ts';
import type { Declared } from './host.ts';
import type { Random } from './random.ts';

/** Somebody who holds, starts, restarts, changes, removes and declares again, and who remembers what was answered. */
export class User {
  /** Held, and told that it is. */
  readonly held = new Set<string>();
  readonly #workers: readonly Declared[];
  readonly #random: Random;
  readonly #tell: (text: string) => void;
  /** Number of the last wish for a worker: an answer to an older one says nothing any more. */
  readonly #wishes = new Map<string, number>();

  constructor(workers: readonly Declared[], random: Random, tell: (text: string) => void) {
    this.#workers = workers;
    this.#random = random;
    this.#tell = tell;
  }

  declareAll(agent: Agent): void {
    for (const one of this.#workers) this.#ask(agent, `declare ${one.name}`, () => agent.declare(one));
  }

  wish(agent: Agent): void {
    const declared = this.#random.pick(this.#workers);
    const { name } = declared;
    const one = agent.crew.get(name);
    const kind = this.#random.int(10);
    if (one === undefined || kind < 9) {
      this.#wishes.set(name, (this.#wishes.get(name) ?? 0) + 1);
      // Not held from the moment that something else is asked for, held from the answer on; also one that was held when it was removed.
      this.held.delete(name);
    }
    const number = this.#wishes.get(name);
    // What is being removed cannot be held.
    const hold = (): void => void (this.#wishes.get(name) === number && one?.life.want === 'held' && this.held.add(name));
    if (one === undefined) this.#ask(agent, `declare ${name}`, () => agent.declare(declared));
    else if (kind === 9) this.#ask(agent, `change ${name}`, () => agent.declare({ ...declared }));
    else if (kind < 3) this.#ask(agent, `stop ${name}`, () => one.send({ type: 'hold', by: 'user', cause: 'held' }), hold);
    else if (kind < 6) this.#ask(agent, `start ${name}`, () => one.send({ type: 'start', by: 'user', cause: 'user' }));
    else if (kind < 8) this.#ask(agent, `restart ${name}`, () => one.send({ type: 'restart', by: 'user', cause: 'restart' }));
    else this.#ask(agent, `remove ${name}`, () => one.send({ type: 'remove', by: 'apply' }));
  }

  #ask(agent: Agent, what: string, run: () => Promise<unknown>, then?: () => void): void {
    this.#tell(`the user: ${what}`);
    run().then(
      () => agent.owner.isDead || then?.(),
      () => {},
    );
  }
}
