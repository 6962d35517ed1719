import type { HealthRule } from '../../src/spec/index.ts';

interface Owed {
  readonly worker: string;
  readonly signal: string;
  readonly wish: number | undefined;
}

/** Signals that an agent has decided on because a worker is not well: each is to be sent, once. */
export class Signals {
  readonly #owed: Owed[] = [];

  /** `wish`: how often something was asked of it by then. */
  owe(worker: string, onUnhealthy: HealthRule['onUnhealthy'], wish: number | undefined): void {
    const signal = onUnhealthy === 'signal' ? 'SIGHUP' : typeof onUnhealthy === 'object' ? onUnhealthy.signal : null;
    if (signal !== null) this.#owed.push({ worker, signal, wish });
  }

  /** `false`: nobody has decided on it. */
  sent(worker: string | null, signal: string | null): boolean {
    const at = this.#owed.findIndex((one) => one.worker === worker && one.signal === signal);
    if (at >= 0) this.#owed.splice(at, 1);
    return at >= 0;
  }

  /** One that was not sent, though nobody has wished anything else of its worker since. */
  unsent(wishes: ReadonlyMap<string, number>): Owed | null {
    return this.#owed.find(({ worker, wish }) => wishes.get(worker) === wish) ?? null;
  }

  /** Its agent has died. */
  forget(): void {
    this.#owed.length = 0;
  }
}
