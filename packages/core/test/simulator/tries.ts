import type { Supervisor } from '../../src/supervise/index.ts';

interface Seen {
  run: number;
  /** Seen to run in it, and in all that came before. */
  now: Set<string>;
  earlier: Set<string>;
}

/** Which instances were seen to run in which run of their worker, by one agent. */
export class Tries {
  readonly #seen = new Map<string, Seen>();

  /** How what the agent knows of the present run's instances is not what was seen of them; `null` = it is that. After each change. */
  wrong({ worker, life, instances }: Supervisor): string | null {
    const { runs, phase, instance } = life;
    const seen = this.#seen.get(worker) ?? { run: runs, now: new Set<string>(), earlier: new Set<string>() };
    this.#seen.set(worker, seen);
    if (seen.run !== runs) {
      for (const one of seen.now) seen.earlier.add(one);
      Object.assign(seen, { run: runs, now: new Set() });
    }
    // What is to be started is not what is there.
    if (phase === 'running' && instance !== null) {
      seen.now.add(instance);
      // It runs after all, and is the present run then.
      seen.earlier.delete(instance);
    }
    const known = instances.ofRun(runs).map((one) => one.instance);
    const lost = [...seen.now].find((one) => instances.get(one) !== null && !known.includes(one));
    if (lost !== undefined) return `${lost} is of run ${runs}, and is not told as that`;
    const old = known.find((one) => seen.earlier.has(one));
    return old === undefined ? null : `${old} is told to be of run ${runs}, and was of one before`;
  }
}
