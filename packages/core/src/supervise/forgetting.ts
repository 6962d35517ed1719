import type { Cancel } from '../base/clock.ts';
import type { Life } from './life.ts';
import type { Services } from './services.ts';

/** How long a start that was given up may take on an engine that answers. */
const lateStartMs = 30_000;

interface Leaving {
  readonly services: Services;
  readonly life: Life;
  readonly isClosed: boolean;
  runtimeName(): string | null;
  look(): Promise<void>;
}

/**
 * When a worker that is no more may be forgotten: at rest at once; one whose last start was given up, and may be carried out late, only when its engine
 * has answered for a while and nothing came. What came after that would be nobody's.
 */
export class Forgetting {
  readonly #of: Leaving;
  readonly #forget: () => Promise<void>;
  #cancel: Cancel = () => {};

  constructor(of: Leaving, forget: () => Promise<void>) {
    this.#of = of;
    this.#forget = forget;
  }

  ifSure(): void {
    const { isClosed, services } = this.#of;
    const { want, phase, mayCome } = this.#of.life;
    // Wanted again since, or found to run: then it stays.
    if (want !== 'removed' || phase !== 'idle' || isClosed) return;
    if (mayCome) this.#cancel = services.clock.after(lateStartMs, () => void this.#lookBefore());
    else void this.#forget();
  }

  close(): void {
    this.#cancel();
  }

  async #lookBefore(): Promise<void> {
    const isAnswering = (): boolean => this.#of.life.blind === null && this.#of.services.runtime(this.#of.runtimeName() ?? '')?.isUp() === true;
    const wasAnswering = isAnswering();
    await this.#of.look();
    const { want, phase } = this.#of.life;
    if (wasAnswering && isAnswering() && want === 'removed' && phase === 'idle' && !this.#of.isClosed) void this.#forget();
    else this.ifSure();
  }
}
