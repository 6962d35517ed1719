import { isLeftBehind } from './sight.ts';
import type { Supervisor } from './supervisor.ts';

/** How many may be between the beginning of their preparation and the outcome of their start: in all, and of those with an engine or without. */
export interface StartSlots {
  readonly total: number;
  readonly engine: number;
  readonly process: number;
}

/** `asked`: `agent.startConcurrency`. Unasked, an engine is spared; a process costs a fork, so many begin while others are being written down. */
export const startSlots = (asked: number | null): StartSlots =>
  asked === null ? { total: 1000, engine: 4, process: 64 } : { total: asked, engine: asked, process: asked };

/**
 * Who may start now: dependencies hold, the runtime answers, one of the host's start slots is free. Slots go by priority, then by name; each is held
 * from the preparation until the start has come out.
 */
export class Gate {
  readonly #slots: StartSlots;
  /** What of policy and dependencies is missing to each, as it was found last: 1,000 that wait are not all judged again for each one that has started. */
  #known = new WeakMap<Supervisor, { readonly missing: string | null }>();
  #isOpen = true;

  constructor(slots: StartSlots) {
    this.#slots = slots;
  }

  /** Nobody starts any more: the agent is being ended. */
  shut(): void {
    this.#isOpen = false;
  }

  /** What is missing to it may be something else than before. */
  judgeAgain(one: Supervisor): void {
    this.#known.delete(one);
  }
  judgeAllAgain(): void {
    this.#known = new WeakMap();
  }

  /** Looks at all that wait, the first to start first; called after every change. Those that wait no longer are passed over. */
  update(waiting: readonly Supervisor[], starting: Iterable<Supervisor>): void {
    if (!this.#isOpen) return;
    const taken = { total: 0, engine: 0, process: 0 };
    const take = (kind: 'engine' | 'process'): void => {
      taken.total += 1;
      taken[kind] += 1;
    };
    for (const one of starting) take(kindOf(one));
    for (const one of waiting) {
      if (!isWaiting(one)) continue;
      const lacks = this.#lacks(one);
      if (lacks !== null) {
        // Told once: each telling is an event.
        if (one.life.reason !== `waiting for ${lacks}`) void one.send({ type: 'wait', for: lacks, epoch: one.life.epoch });
        continue;
      }
      // It has ended, and what it was on may never be back.
      if (one.life.blind !== null) {
        void one.send({ type: 'sighted' });
        continue;
      }
      const kind = kindOf(one);
      if (taken.total >= this.#slots.total || taken[kind] >= this.#slots[kind]) {
        if (one.life.reason.startsWith('waiting for ')) void one.send({ type: 'wait', for: null, epoch: one.life.epoch });
        continue;
      }
      take(kind);
      // Taken up before the next look: that comes in a turn of its own.
      void one.send({ type: 'ready', epoch: one.life.epoch });
    }
  }

  #lacks(one: Supervisor): string | null {
    const generation = one.generation();
    if (generation === null) return 'its definition, which is not known: apply the host file';
    const runtime = one.services.runtime(generation.runtime);
    if (runtime === null) return `the runtime ${generation.runtime}, which no loaded plugin brings`;
    if (!runtime.isUp()) return `the runtime ${runtime.name}${runtime.reason() === null ? '' : `: ${runtime.reason()}`}`;
    // It would keep a slot for a start that may not begin.
    if (one.life.blind !== null && !isLeftBehind(one)) return `sight of what is left of it: ${one.life.blind.reason}`;
    const known = this.#known.get(one) ?? { missing: one.services.missing(one.worker) };
    this.#known.set(one, known);
    return known.missing;
  }
}

const isWaiting = ({ life }: Supervisor): boolean => life.phase === 'waiting' && life.want === 'run';

const kindOf = (one: Supervisor) => (one.services.runtime(one.generation()?.runtime ?? '')?.class === 'process' ? 'process' : 'engine');
