import type { Observed } from '@ostler/sdk';
import { inShort, type ProbeAnswer } from './prepared.ts';

export type EngineHealth = NonNullable<(Observed & { readonly is: 'running' })['health']>;
export type LastCheck = (Observed & { readonly is: 'running' })['lastCheck'];

/** What an engine says of the health of one instance, by the check that its image brings. */
export class Opinion {
  #health: EngineHealth;
  #last: LastCheck;
  #listener = (): void => {};

  /** The output of `last` is shown to people. */
  constructor(health: EngineHealth, last: LastCheck) {
    this.#health = health;
    this.#last = last;
  }

  /** Failed checks in a row. */
  get failures(): number {
    return this.#last?.failures ?? 0;
  }

  /** Whoever listens hears of a turn. */
  tell(health: EngineHealth, last: LastCheck): void {
    const isTurn = health !== this.#health;
    this.#health = health;
    this.#last = last;
    if (isTurn) this.#listener();
  }

  /** The one listener. Not called before it turns. */
  onTurn(listener: () => void): void {
    this.#listener = listener;
  }

  /** `null` = the engine has not made up its mind: that counts for nothing. */
  get answer(): ProbeAnswer | null {
    if (this.#health === 'starting') return null;
    if (this.#health === 'healthy') return { ok: true, evidence: 'the check of its image is good' };
    const { code = null, output = '' } = this.#last ?? {};
    const line = inShort(output.trimEnd().split('\n').at(-1) ?? '');
    const end = code === null ? 'failed' : `exited with ${code}`;
    return { ok: false, evidence: `the check of its image ${end}${line === '' ? '' : `: ${line}`}` };
  }
}
