import { isDeepStrictEqual } from 'node:util';
import type { Journal } from '../../src/journal/index.ts';
import { keepEntries } from './agent.ts';
import type { Disk } from './disk.ts';
import type { View } from './invariants.ts';

/** What somebody who asks for a part of the journal is given, and is not that part; `null` = it is. `serial`: of the question. */
export async function misread(journal: Journal, disk: Disk, serial: number): Promise<string | null> {
  const afterCursor = serial % 3 === 0 ? undefined : serial % Math.max(1, disk.journal.length);
  const worker = serial % 2 === 0 ? 'w1' : undefined;
  const limit = serial % 5 === 0 ? undefined : serial % 7;
  const fits = disk.journal.filter((one) => one.cursor > (afterCursor ?? 0) && (worker === undefined || one.worker === worker));
  const expected = limit === undefined ? fits : fits.slice(fits.length - Math.min(limit, fits.length));
  const found = await journal.query({ afterCursor, worker, limit });
  return isDeepStrictEqual(found, expected) ? null : `asked for what is after ${afterCursor}, of ${worker}, ${limit} at most, it gives ${found.length} entries`;
}

/** Of the journal, what would let it grow without end. */
export function unbounded({ disk, agent }: View): string | null {
  const long = disk.journal.find(({ text, data }) => text.length > 2000 || JSON.stringify(data).length > 20_000);
  if (long !== undefined) return `entry ${long.cursor} has ${long.text.length} characters`;
  const written = disk.writers.filter((owner) => owner === agent?.owner).length;
  const trims = disk.trims.get(agent!.owner) ?? 0;
  return written > keepEntries && trims < 2 ? `${written} entries were written, and it was looked ${trims} times for some that are too old` : null;
}
