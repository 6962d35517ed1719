import type { LogFrom } from '../src/index.ts';

/** A cursor of `<source> <stamp> <how many records of that source carry it so far>`: stamps repeat, and a cluster's logs have no offsets. */
export function cursors(): (source: string, stamp: string) => string {
  const last = new Map<string, { stamp: string; count: number }>();
  return (source, stamp) => {
    const before = last.get(source);
    const count = before?.stamp === stamp ? before.count + 1 : 1;
    last.set(source, { stamp, count });
    return `${source} ${stamp} ${count}`;
  };
}

/** The moment to ask from: records at that very moment come again, with the cursors they had. */
export function sinceOf(from: LogFrom): string | null {
  if (typeof from === 'object' && 'since' in from) return from.since;
  if (typeof from === 'object' && 'after' in from) return from.after.split(' ')[1] ?? null;
  return null;
}
