import type { Handle } from '@ostler/sdk';
import { bootId } from './boot.ts';
import { isAliveState } from './process-stat.ts';
import { readProcess } from './process-table.ts';

/** A process, told from any later one that got its number. */
export interface Identity {
  readonly pid: number;
  readonly start: string;
  readonly boot: string;
}

export function handleTo(worker: Identity | null): Handle {
  return { version: 1, data: worker === null ? null : { bootId: worker.boot, pid: worker.pid, startTime: worker.start } };
}

/** Parses the record `PID START BOOT` of an instance directory; `null` if it is damaged. */
export function parseIdentity(text: string): Identity | null {
  const [pid, start, boot] = text.trim().split(/\s+/);
  if (!/^[1-9]\d*$/.test(pid ?? '') || start === undefined || boot === undefined) return null;
  return { pid: Number(pid), start, boot };
}

export type Life = 'alive' | 'dead' | 'other-boot';

/** Never by the number alone: boot id and start time must match too, and a zombie is dead. */
export function lifeOf(identity: Identity): Life {
  if (identity.boot !== bootId()) return 'other-boot';
  const entry = readProcess(identity.pid);
  return entry !== null && entry.start === identity.start && isAliveState(entry.state) ? 'alive' : 'dead';
}

/**
 * Sends a signal to that very process. `false` = it is not there any more.
 * Throws what kill(2) throws otherwise (EPERM).
 */
export function signalIdentity(identity: Identity, signal: NodeJS.Signals | number): boolean {
  if (lifeOf(identity) !== 'alive') return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

let own: Identity | undefined;

/** This very process. */
export function ownIdentity(): Identity {
  own ??= { pid: process.pid, start: readProcess(process.pid)?.start ?? '0', boot: bootId() };
  return own;
}
