import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sqliteTrouble } from './sqlite-error.ts';

/** One agent per data directory, for as long as its process lives. */
export interface AgentLock {
  release(): void;
}

/**
 * Node has no flock(2), but SQLite locks files: an open exclusive transaction on an empty database of its own is a lock that the kernel drops when
 * the process dies, kill -9 included. Not the store itself: that can be renamed or copied without losing the lock. Nothing is ever written to it.
 *
 * Returns the pid that the holder wrote down (`null`: unknown) when the lock is taken; the pid is information, never evidence.
 */
export function takeLock(dataDir: string, waitMs: number): AgentLock | { readonly heldBy: number | null } {
  const pidFile = join(dataDir, 'agent.pid');
  const db = new DatabaseSync(join(dataDir, 'agent.lock'));
  try {
    db.exec(`PRAGMA journal_mode = MEMORY; PRAGMA busy_timeout = ${waitMs}; BEGIN EXCLUSIVE`);
  } catch (error) {
    db.close();
    if (sqliteTrouble(error) === 'busy') return { heldBy: readPid(pidFile) };
    throw error;
  }
  try {
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  } catch {
    // A full disk: the lock holds all the same.
  }
  return {
    release() {
      rmSync(pidFile, { force: true });
      db.close();
    },
  };
}

function readPid(pidFile: string): number | null {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8').trim());
    return Number.isSafeInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}
