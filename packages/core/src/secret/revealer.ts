import type { Secrets } from '@ostler/sdk';
import type { AgentLogger } from '../base/logger.ts';
import type { Normal } from '../spec/index.ts';
import { type Revealed, type RevealGiven, revealSecrets } from './reveal.ts';

export interface RevealerGiven extends Omit<RevealGiven, 'rules' | 'baseDir' | 'signal'> {
  readonly log: Pick<AgentLogger, 'warn'>;
}

/** Reveals the secrets of workers for as long as an agent lives; what its sources warn of is said once. */
export class Revealer {
  readonly #given: RevealerGiven;
  readonly #warned = new Set<string>();

  constructor(given: RevealerGiven) {
    this.#given = given;
  }

  /** What the sources have warned of so far. */
  get warnings(): readonly string[] {
    return [...this.#warned];
  }

  /** Rejects with a problem, as {@link revealSecrets} does. */
  async secrets(worker: string, normal: Normal, baseDir: string, signal: AbortSignal): Promise<Secrets> {
    const { secrets, warnings } = await this.#reveal(normal, baseDir, signal);
    for (const warning of warnings) if (!this.#warned.has(warning)) this.#given.log.warn({ worker }, warning);
    for (const warning of warnings) this.#warned.add(warning);
    return secrets;
  }

  /** Keyed HMACs of the values, by reference. Rejects with a problem. */
  async versions(normal: Normal, baseDir: string, signal: AbortSignal): Promise<Revealed['versions']> {
    return (await this.#reveal(normal, baseDir, signal)).versions;
  }

  #reveal({ rules }: Normal, baseDir: string, signal: AbortSignal): Promise<Revealed> {
    return revealSecrets({ ...this.#given, rules: rules.secrets, baseDir, signal });
  }
}
