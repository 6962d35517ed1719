import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';

const noteOf = (path: string): string => join(path, 'execs');

/** Notes, before the first is begun, that commands are run beside the worker: no holder has them below it. */
export function noteExec(path: string): void {
  try {
    closeSync(openSync(noteOf(path), 'a', 0o600));
  } catch {
    // A full disk: a probe that fails for want of the note would be worse than what it may leave running.
  }
}

export const hasExecNote = (path: string): boolean => existsSync(noteOf(path));
