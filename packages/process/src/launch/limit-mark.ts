import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { InstanceRef } from '@ostler/sdk';

/**
 * The instance's number as a soft RLIMIT_LOCKS, which Linux has not looked at since 2.4.25 (getrlimit(2)). Unlike the environment it is handed
 * down through everything that a daemon does to leave: fork, setsid, `env -i`, closing its files. Between 2^62 and 2^63, so no limit that anybody means.
 */
export function limitMark(ref: InstanceRef): bigint {
  const digest = createHash('sha256').update(`${ref.agent}/${ref.worker}/${ref.instance}`).digest();
  return (digest.readBigUInt64BE() >> 2n) | (1n << 62n);
}

/** Whether a process has that mark; false where there is no such process. Others' limits may be read too (proc_pid_limits(5)). */
export function bearsLimitMark(pid: number, mark: bigint): boolean {
  try {
    return /^Max file locks +(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'latin1'))?.[1] === String(mark);
  } catch {
    return false;
  }
}
