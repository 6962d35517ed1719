import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { InstanceRef, Notified } from '@ostler/sdk';

/**
 * The file `notify`, 296 bytes, little endian, overwritten as a whole by the compiled holder with each message of its worker:
 *
 *     0  u32  magic 0x314e534f ("OSN1")
 *     4  u8   1 = it said WATCHDOG=trigger
 *     5  3 x  0
 *     8  u64  nanoseconds since 1970 of READY=1; 0 = not said
 *     16 u64  of the last WATCHDOG=1
 *     24 u64  of STOPPING=1
 *     32 u32  length of the status
 *     36 u32  0
 *     40      the last STATUS=, at most 255 bytes
 */
const magic = 0x314e534f;
const recordBytes = 296;

/** `null` = nobody listened for it. */
export function readNotified(path: string): Notified | null {
  let record: Buffer;
  try {
    record = readFileSync(join(path, 'notify'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  if (record.length < recordBytes || record.readUInt32LE(0) !== magic) return null;
  const time = (offset: number): string | null => {
    const ns = record.readBigUInt64LE(offset);
    return ns === 0n ? null : new Date(Number(ns / 1_000_000n)).toISOString();
  };
  const length = Math.min(record.readUInt32LE(32), 255);
  return {
    readyAt: time(8),
    aliveAt: time(16),
    stoppingAt: time(24),
    isTripped: record[4] === 1,
    // It may be cut in the middle of a character.
    status: length === 0 ? null : new TextDecoder().decode(record.subarray(40, 40 + length), { stream: true }),
  };
}

/** Abstract (unix(7)), so that a worker of another user reaches it, and told from any other instance's. */
export function notifySocketOf(ref: InstanceRef): string {
  return `@ostler/${createHash('sha256').update(`${ref.agent}/${ref.worker}/${ref.instance}`).digest('hex').slice(0, 32)}`;
}
