import type { StatsDocument } from '@ostler/core';

/** `null`: this host does not tell, or it takes a second look. 100 % = one core. */
export interface Usage {
  readonly cpuPercent: number | null;
  readonly memoryBytes: number | null;
}

interface Look {
  readonly cpuNs: number;
  readonly atMs: number;
}

/** Rates from cumulative counters, look by look. */
export class Rates {
  #last = new Map<string, Look>();

  /** `atMs`: a clock that only goes forward. */
  look(stats: StatsDocument, atMs: number): ReadonlyMap<string, Usage> {
    const looks = new Map<string, Look>();
    const usage = new Map<string, Usage>();
    for (const { name, cpuNs, memoryBytes } of stats.workers) {
      if (cpuNs !== null) looks.set(name, { cpuNs, atMs });
      usage.set(name, { cpuPercent: cpuPercent(this.#last.get(name), looks.get(name)), memoryBytes });
    }
    this.#last = looks;
    return usage;
  }
}

function cpuPercent(before: Look | undefined, now: Look | undefined): number | null {
  if (before === undefined || now === undefined || now.atMs <= before.atMs) return null;
  // A counter goes back with a new instance, and, where live processes are summed up, with each that ends.
  return (Math.max(0, now.cpuNs - before.cpuNs) / ((now.atMs - before.atMs) * 1e6)) * 100;
}
