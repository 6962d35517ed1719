import type { Supervisor } from './supervisor.ts';

/**
 * Who may start now: dependencies hold, the runtime answers, one of the host's start slots is free. Slots go by priority, then by name; each is held
 * from the preparation until the start has come out.
 */
export class Gate {
  readonly #slots: number;
  #isOpen = true;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** Nobody starts any more: the agent is being ended. */
  shut(): void {
    this.#isOpen = false;
  }

  /** Looks at all that wait; called after every change. */
  update(all: readonly Supervisor[]): void {
    if (!this.#isOpen) return;
    let free = this.#slots - all.filter(({ life }) => life.phase === 'preparing' || life.phase === 'starting').length;
    const waiting = all.filter(({ life }) => life.phase === 'waiting' && life.want === 'run');
    const priority = (one: Supervisor): number => one.normal()?.rules.priority ?? 500;
    waiting.sort((a, b) => priority(b) - priority(a) || (a.worker < b.worker ? -1 : 1));
    for (const one of waiting) {
      const lacks = this.#lacks(one);
      if (lacks !== null) void one.send({ type: 'wait', for: lacks });
      else if (free > 0) {
        free -= 1;
        void one.send({ type: 'ready', epoch: one.life.epoch });
      }
    }
  }

  #lacks(one: Supervisor): string | null {
    const generation = one.generation();
    if (generation === null) return 'its definition, which is not known: apply the host file';
    const runtime = one.services.runtime(generation.runtime);
    if (runtime === null) return `the runtime ${generation.runtime}, which no loaded plugin brings`;
    if (!runtime.isUp()) return `the runtime ${runtime.name}${runtime.reason() === null ? '' : `: ${runtime.reason()}`}`;
    return one.services.missing(one.worker);
  }
}
