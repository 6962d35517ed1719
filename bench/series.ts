import { loadavg } from 'node:os';
import type { RowName } from './peers/peer.ts';

/** The figures of one contender for one measure. */
export interface Series {
  readonly row: RowName;
  /** What was measured, unit included. */
  readonly measure: string;
  readonly workers: number;
  readonly contender: string;
  readonly values: number[];
  /** The load of the last minute before each value. */
  readonly load: number[];
  /** What else is to know, one short clause each. */
  readonly notes: string[];
  /** Why there is no figure, or not every one. */
  failed: string | null;
}

/** Collects what the rows measure. */
export class Results {
  readonly all: Series[] = [];

  of(row: RowName, measure: string, workers: number, contender: string): Series {
    const known = this.find(measure, workers, contender);
    if (known !== undefined) return known;
    const fresh: Series = { row, measure, workers, contender, values: [], load: [], notes: [], failed: null };
    this.all.push(fresh);
    return fresh;
  }

  find(measure: string, workers: number, contender: string): Series | undefined {
    return this.all.find((one) => one.measure === measure && one.workers === workers && one.contender === contender);
  }

  /** The median of a series that has one. */
  median(measure: string, workers: number, contender: string): number | null {
    const found = this.find(measure, workers, contender);
    return found === undefined || found.values.length === 0 ? null : quantile(found.values, 0.5);
  }
}

export function add(series: Series, value: number): void {
  series.values.push(value);
  series.load.push(Math.round((loadavg()[0] ?? 0) * 100) / 100);
}

export function note(series: Series, text: string): void {
  if (!series.notes.includes(text)) series.notes.push(text);
}

/** The middle one for q = 0.5; between two neighbours it is their weighted mean. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}
