import { readFileSync } from 'node:fs';
import type { Process } from '../processes.ts';

/** Both KiB. `uss`: pages that this process alone has. `pss`: those, and its part of the shared ones. Neither counts what the kernel keeps for it. */
export interface Memory {
  readonly uss: number;
  readonly pss: number;
}

/** The sum over some processes; one that ended meanwhile counts as nothing. */
export function memoryOf(some: readonly Process[]): Memory {
  return some.map(({ pid }) => one(pid)).reduce((a, b) => ({ uss: a.uss + b.uss, pss: a.pss + b.pss }), { uss: 0, pss: 0 });
}

function one(pid: number): Memory {
  let text = '';
  try {
    text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  } catch {
    // Gone.
  }
  const of = (name: string): number => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
  return { uss: of('Private_Clean') + of('Private_Dirty'), pss: of('Pss') };
}
