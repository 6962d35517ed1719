import { readFile } from 'node:fs/promises';
import type { ProcessEntry } from '../identity/process-stat.ts';

/** What one call may spend on shares: the kernel walks through all pages for one, 40 to 80 ms for each GiB of small pages. */
export const shareMs = 1000;

const numberIn = (text: string, key: string): number | null => {
  const found = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  return found === undefined ? null : Number(found) * 1024;
};

/** Told in kB, so the size of a page does not matter (proc_pid_status(5)); one that has ended has nothing. `null` where nobody tells. */
async function residentOf({ pid, residentBytes }: ProcessEntry): Promise<number | null> {
  if (residentBytes !== null) return residentBytes;
  try {
    return numberIn(await readFile(`/proc/${pid}/status`, 'latin1'), 'VmRSS') ?? 0;
  } catch (error) {
    return ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '') ? 0 : null;
  }
}

/** Its own pages and its part of those that it shares (proc_pid_smaps(5)). `null`: older than Linux 4.14, another's process, or macOS. */
async function shareOf({ pid }: ProcessEntry): Promise<number | null> {
  try {
    return numberIn(await readFile(`/proc/${pid}/smaps_rollup`, 'latin1'), 'Pss');
  } catch {
    return null;
  }
}

/**
 * What the processes of one worker use together, in bytes; pages that they share count once. One process shares with nobody of its own: it is spared
 * the walk. `untilMs`, of `performance.now()`: when the time for walks is over, those not walked through are taken to share as the larger ones did.
 */
export async function memoryOf(tree: readonly ProcessEntry[], untilMs: number): Promise<number | null> {
  const sized: { readonly entry: ProcessEntry; readonly bytes: number }[] = [];
  for (const entry of tree) {
    const bytes = await residentOf(entry);
    if (bytes === null) return null;
    sized.push({ entry, bytes });
  }
  if (sized.length === 1) return sized[0]?.bytes ?? null;
  // One after another: a walk takes one of the few threads that all files of this process are read with.
  const seen = { resident: 0, shares: 0 };
  let [whole, unseen] = [0, 0];
  for (const { entry, bytes } of sized.sort((a, b) => b.bytes - a.bytes)) {
    const isOver = seen.resident > 0 && performance.now() >= untilMs;
    const share = isOver ? null : await shareOf(entry);
    if (share !== null) {
      seen.resident += bytes;
      seen.shares += share;
    } else if (isOver) unseen += bytes;
    else whole += bytes;
  }
  return Math.round(whole + seen.shares + (unseen === 0 ? 0 : (unseen * seen.shares) / seen.resident));
}
