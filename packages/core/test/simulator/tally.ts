import type { FaultKind, Outcome } from './outcome.ts';

type Counts = Readonly<Record<string, number>>;

/** What many stories came to; as it goes from one thread to another. */
export interface TallyData {
  readonly steps: readonly number[];
  readonly faultsEach: readonly number[];
  readonly twoDeaths: number;
  readonly replaced: number;
  readonly faults: Counts;
  readonly failed: Counts;
  readonly visits: Counts;
}

const bars = 24;

export class Tally {
  readonly #steps: number[] = [];
  readonly #faultsEach: number[] = [];
  #twoDeaths = 0;
  #replaced = 0;
  readonly #faults = new Map<string, number>();
  readonly #failed = new Map<string, number>();
  readonly #visits = new Map<string, number>();

  add({ steps, faults, failed }: Outcome): void {
    const of = (kind: FaultKind): number => faults.get(kind) ?? 0;
    this.#steps.push(steps);
    this.#faultsEach.push([...faults.values()].reduce((sum, times) => sum + times, 0));
    if (of('death') + of('reboot') + of('lost') >= 2) this.#twoDeaths += 1;
    if (of('replace') > 0) this.#replaced += 1;
    sum(this.#faults, faults);
    sum(this.#failed, failed);
  }

  data(visits: ReadonlyMap<string, number>): TallyData {
    return {
      ...{ steps: this.#steps, faultsEach: this.#faultsEach, twoDeaths: this.#twoDeaths, replaced: this.#replaced },
      ...{ faults: Object.fromEntries(this.#faults), failed: Object.fromEntries(this.#failed), visits: Object.fromEntries(visits) },
    };
  }

  merge(of: TallyData): void {
    for (const steps of of.steps) this.#steps.push(steps);
    for (const faults of of.faultsEach) this.#faultsEach.push(faults);
    this.#twoDeaths += of.twoDeaths;
    this.#replaced += of.replaced;
    sum(this.#faults, new Map(Object.entries(of.faults)));
    sum(this.#failed, new Map(Object.entries(of.failed)));
    sum(this.#visits, new Map(Object.entries(of.visits)));
  }

  /** `cells`: those that may be visited. */
  lines(cells: readonly string[]): readonly string[] {
    const count = this.#steps.length;
    const percent = (part: number): string => `${Math.round((part / Math.max(1, count)) * 100)} %`;
    const steps = [...this.#steps].sort((a, b) => a - b);
    const faultsEach = [...this.#faultsEach].sort((a, b) => a - b);
    const seldom = [...this.#visits].sort(([, a], [, b]) => a - b).slice(0, 8);
    const unvisited = cells.filter((cell) => !this.#visits.has(cell));
    return [
      `steps: median ${quantile(steps, 0.5)}, 5 % ${quantile(steps, 0.05)}, 95 % ${quantile(steps, 0.95)}; faults: median ${quantile(faultsEach, 0.5)}`,
      ...histogram(steps),
      `two deaths of the agent or more: ${percent(this.#twoDeaths)}; an engine with another store: ${percent(this.#replaced)}`,
      `faults: ${listed(this.#faults)}`,
      `calls that failed: ${listed(this.#failed)}`,
      `cells of the table: ${cells.length - unvisited.length} of ${cells.length} visited${unvisited.length > 0 ? `; not: ${unvisited.join(', ')}` : ''}`,
      `cells visited least: ${listed(new Map(seldom))}`,
    ];
  }
}

const quantile = (sorted: readonly number[], part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
const listed = (counts: ReadonlyMap<string, number>): string => [...counts].map(([name, times]) => `${name} ${times}`).join(', ');

function sum(into: Map<string, number>, from: ReadonlyMap<string, number>): void {
  for (const [name, times] of from) into.set(name, (into.get(name) ?? 0) + times);
}

/** A bar for each hundred steps; the long tail is one. */
function histogram(sorted: readonly number[]): readonly string[] {
  const wide = 100;
  const last = Math.floor(quantile(sorted, 0.99) / wide);
  const counts = Array.from({ length: last + 1 }, () => 0);
  for (const steps of sorted) counts[Math.min(last, Math.floor(steps / wide))]! += 1;
  const most = Math.max(1, ...counts);
  return counts.map((count, index) => {
    const from = String(index * wide).padStart(5);
    const to = index === last ? '  and more' : ` to ${String((index + 1) * wide - 1).padStart(5)}`;
    return `  ${from}${to.padEnd(10)} ${'#'.repeat(Math.ceil((count / most) * bars)).padEnd(bars)} ${count}`;
  });
}
