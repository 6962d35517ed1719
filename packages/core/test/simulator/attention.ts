import type { Supervisor } from '../../src/supervise/index.ts';
import type { Life } from '../../src/supervise/life.ts';
import type { View } from './invariants.ts';
import { Looks } from './looks.ts';
import { Order } from './order.ts';
import type { Request } from './requests.ts';
import { Suspicions } from './suspicion.ts';
import { Violation } from './violation.ts';
import { Waits } from './waits.ts';

/** What the agent of the moment is to look into, follow and begin, each in its time. */
export class Attention {
  readonly #order = new Order();
  readonly #suspicions = new Suspicions();
  readonly #looks = new Looks();
  readonly #waits = new Waits();

  chose(worker: string): void {
    this.#order.chose(worker);
  }

  asked(request: Request): void {
    this.#suspicions.asked(request);
    this.#looks.asked(request);
  }

  answered(request: Request, value: unknown, life: Life | undefined): void {
    this.#looks.answered(request, value, life);
  }

  failed(request: Request, one: Supervisor | undefined): void {
    this.#suspicions.failed(request);
    this.#looks.failed(request, one);
  }

  changed(worker: string, life: Life | undefined): void {
    this.#looks.changed(worker, life);
  }

  sleep(ms: number): void {
    for (const those of [this.#suspicions, this.#looks, this.#waits]) those.sleep(ms);
  }

  /** Of another agent nothing is known yet. */
  forget(): void {
    for (const those of [this.#order, this.#suspicions, this.#looks, this.#waits]) those.forget();
  }

  /** A step has come to its end. `isWriting`: the disk has not taken all, or time has its turns. */
  neglected(view: View, isWriting: boolean, nowMs: number): Violation | null {
    const { agent, engines } = view;
    const isQuiet = !isWriting && engines.every(({ requests }) => requests.length === 0);
    for (const [name, text] of [
      ['what is waited for is missing', this.#order.misled(agent)],
      ['starts in order', this.#order.passedOver(agent)],
      ['a suspicion is looked into', this.#suspicions.overdue(nowMs, agent?.owner)],
      ['all in its time', this.#waits.overdue(agent, nowMs)],
      ['what was seen counts', this.#looks.ignored(view, isWriting, isQuiet, nowMs)],
    ] as const)
      if (text !== null) return new Violation(name, text);
    return null;
  }
}
