import type { ProbeRule } from '../spec/index.ts';
import { HealthWatch, type ProbeHost, type WatchGiven } from './health-watch.ts';
import { Lateness } from './lateness.ts';
import { Matcher } from './matcher.ts';
import { Slots } from './slots.ts';

export interface ProberGiven extends ProbeHost {
  /** Rounds that run at the same time on this host; the others wait in the order in which they were due. Default 64. */
  readonly maxInFlight?: number | undefined;
}

/** Multiples of either, without their whole part, are spread evenly, however many are taken (the first is the golden ratio's fraction). */
const [evenly, otherwise] = [(Math.sqrt(5) - 1) / 2, Math.SQRT2];

/** Asks the probes of all workers of a host and tells when the health of one turns. */
export class Prober {
  readonly #host: ProbeHost;
  readonly #slots: Slots;
  readonly #lateness = new Lateness();
  readonly #matcher = new Matcher();
  readonly #watches = new Set<HealthWatch>();
  /** By worker, of the instance that was watched last. */
  readonly #starts = new Map<string, { readonly instance: string; readonly startedMs: number; readonly atMs: number }>();
  /** Likewise. What a watch leaves hanging, the next one of the same instance does not begin again. */
  readonly #hanging = new Map<string, { readonly instance: string; readonly rules: Set<ProbeRule> }>();
  #begun = 0;

  constructor(given: ProberGiven) {
    this.#host = given;
    this.#slots = new Slots(given.maxInFlight ?? 64);
  }

  /** Watches one instance until what comes back is called: no verdict comes after that. */
  watch(given: WatchGiven): () => void {
    const place = { phase: (this.#begun * evenly) % 1, turn: (this.#begun * otherwise) % 1, lateness: this.#lateness };
    const watch = new HealthWatch(given, this.#host, place, this.#slots, this.#matcher, this.#hangingOf(given));
    this.#begun += 1;
    this.#watches.add(watch);
    return () => {
      this.#watches.delete(watch);
      watch.stop();
    };
  }

  /**
   * When an instance started, by `monotonicMs`. The clock that told it may be wrong, and may be set before the next watch of the same instance: a start
   * in the future is taken for now, and what was once made of it stays.
   */
  startedAtMs({ worker, instance }: Pick<WatchGiven, 'worker' | 'instance'>, startedMs: number): number {
    const known = this.#starts.get(worker);
    if (known?.instance === instance && known.startedMs === startedMs) return known.atMs;
    const { clock } = this.#host;
    const atMs = clock.monotonicMs() - Math.max(0, clock.nowMs() - startedMs);
    this.#starts.set(worker, { instance, startedMs, atMs });
    return atMs;
  }

  #hangingOf({ worker, instance }: WatchGiven): Set<ProbeRule> {
    const known = this.#hanging.get(worker);
    if (known?.instance === instance) return known.rules;
    const rules = new Set<ProbeRule>();
    this.#hanging.set(worker, { instance, rules });
    return rules;
  }

  /** Ends all watches. */
  close(): void {
    for (const watch of this.#watches) watch.stop();
    this.#watches.clear();
    this.#matcher.close();
  }
}
