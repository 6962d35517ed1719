import { signalName } from '@ostler/sdk';

/**
 * What the holder left about the end of its worker, in the file `exit`.
 *
 * `text` (sh holder): the shell's `$?` in decimal, then a newline; blanks after it are filling. Above 128 a shell cannot tell `exit 137` from
 * SIGKILL: a status that maps to a signal of this platform is read as that signal, those of real time aside.
 *
 * `fixed` (compiled holder), 64 bytes, little endian, allocated before the worker runs and overwritten in place, the state byte last:
 *
 *     0  u32  magic 0x3158534f ("OSX1")
 *     4  u8   state: 0 = not ended yet, 1 = ended
 *     5  u8   kind: 1 = code, 2 = signal
 *     6  u8   1 = dumped core
 *     7  u8   1 = its holder has seen all its descendants end
 *     8  i32  code or signal number
 *     12 u32  processes of the worker killed for memory; 0xffffffff = not counted here
 *     16 u64  nanoseconds since 1970 at which it was reaped
 *     24 u64  bytes of output that no segment kept
 *     32 u64  microseconds of user time, of the worker and of those of its children that it waited for (getrusage(2))
 *     40 u64  of system time
 *     48 u64  largest resident set of one of them, in KiB; on macOS in bytes (ru_maxrss)
 *     56 u64  0
 */
export interface ExitRecord {
  readonly code: number | null;
  readonly signal: string | null;
  /** RFC 3339; `null` = take the file's time. */
  readonly at: string | null;
  readonly oomKills: number | null;
  readonly lostBytes: number;
  /** No process of it is left. False where the holder cannot tell. */
  readonly hasNoneLeft: boolean;
}

const magic = 0x3158534f;

/** `null` = not ended (or not wholly written) yet. */
export function parseExit(bytes: Uint8Array): ExitRecord | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length >= 32 && buffer.readUInt32LE(0) === magic) return parseFixed(buffer);
  const status = /^(\d{1,3})\n/.exec(buffer.toString('latin1'))?.[1];
  if (status === undefined) return null;
  const number = Number(status);
  const signal = number > 128 && number < 128 + 32 ? signalName(number - 128) : null;
  return { code: signal === null ? number : null, signal, at: null, oomKills: null, lostBytes: 0, hasNoneLeft: false };
}

function parseFixed(buffer: Buffer): ExitRecord | null {
  if (buffer[4] !== 1) return null;
  const value = buffer.readInt32LE(8);
  const isSignal = buffer[5] === 2;
  const kills = buffer.readUInt32LE(12);
  return {
    code: isSignal ? null : value,
    signal: isSignal ? (signalName(value) ?? `SIG${value}`) : null,
    at: new Date(Number(buffer.readBigUInt64LE(16) / 1_000_000n)).toISOString(),
    oomKills: kills === 0xffffffff ? null : kills,
    lostBytes: Number(buffer.readBigUInt64LE(24)),
    hasNoneLeft: buffer[7] === 1,
  };
}
