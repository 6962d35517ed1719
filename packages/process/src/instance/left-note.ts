import { closeSync, existsSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const noteOf = (path: string): string => join(path, 'left');

/** Notes that a worker has ended and left processes, for an agent that comes after one that dies before they have ended. */
export function noteLeft(path: string): void {
  try {
    closeSync(openSync(noteOf(path), 'a', 0o600));
  } catch {
    // A full disk: this agent knows it all the same.
  }
}

export const hasLeftNote = (path: string): boolean => existsSync(noteOf(path));
export const dropLeftNote = (path: string): void => rmSync(noteOf(path), { force: true });
