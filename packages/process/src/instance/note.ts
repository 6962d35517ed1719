import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What an agent leaves in an instance's directory for one that comes after it, as an empty file. `execs`: commands were run beside the worker, which no
 * holder has below it. `left`: the worker has ended, and what it left running has not yet.
 */
export type Note = 'execs' | 'left';

/** Before what it tells of is begun. */
export function takeNote(path: string, note: Note): void {
  try {
    closeSync(openSync(join(path, note), 'a', 0o600));
  } catch {
    // A full disk: to do nothing for want of the note would be worse than what a later agent may not know.
  }
}

export const hasNote = (path: string, note: Note): boolean => existsSync(join(path, note));
export const dropNote = (path: string, note: Note): void => rmSync(join(path, note), { force: true });
