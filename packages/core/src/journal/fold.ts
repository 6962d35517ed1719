interface Repeats {
  readonly steps: number;
  readonly times: number;
  readonly firstAt: string;
  readonly lastAt: string;
}

/** A crash and its restart are some six entries; a longer cycle is told in full. */
const longestCycle = 12;

/**
 * Tells cycles that follow each other in the same way once, the newest of them, with the number of those before. `signature` says what is alike.
 * Pure; time grows with the number of records times the square of the longest cycle at worst.
 */
export function fold<T extends { readonly at: string }, R>(
  records: readonly T[],
  signature: (record: T) => string,
  make: (record: T, before: Repeats | null) => R,
): R[] {
  const signs = records.map(signature);
  const told: R[] = [];
  for (let end = records.length; end > 0; ) {
    const { steps, times } = bestCycle(signs, end);
    const start = end - steps;
    const before = times === 0 ? null : { steps, times, firstAt: records[start - steps * times]!.at, lastAt: records[start - steps]!.at };
    for (let i = end - 1; i > start; i--) told.push(make(records[i]!, null));
    told.push(make(records[start]!, before));
    end = start - steps * times;
  }
  return told.reverse();
}

/** Of the cycles that end at `end`, the one that hides most; `times` 0 = nothing repeats. */
function bestCycle(signs: readonly string[], end: number): { steps: number; times: number } {
  let best = { steps: 1, times: 0 };
  for (let steps = 1; steps <= longestCycle && steps * 2 <= end; steps++) {
    let alike = 0;
    while (end - 1 - alike - steps >= 0 && signs[end - 1 - alike] === signs[end - 1 - alike - steps]) alike++;
    const times = Math.floor(alike / steps);
    if (steps * times > best.steps * best.times) best = { steps, times };
  }
  return best;
}
