import { closeSync, fstatSync, openSync, readdirSync, readSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A log segment is a file `PREFIX.SUFFIX`; SUFFIX is six letters, `aaaaaa` first, counting in base 26.
 *
 * `raw`: PREFIX is `out` or `err`. The worker's bytes and nothing else; every segment but the newest has exactly `segmentBytes`.
 *
 * `framed`: PREFIX is `log`. Frames of a 24-byte header, little endian, and `length` bytes:
 *
 *     0  u32  magic 0x3146534f ("OSF1")
 *     4  u8   1 = stdout, 2 = stderr, 0 = gap, 3 = the first of a segment
 *     5  3 x  0
 *     8  u64  nanoseconds since 1970
 *     16 u32  length of the bytes that follow; 0 for a gap
 *     20 u32  for a gap: bytes lost here (0xffffffff = unknown), else 0
 *
 * The bytes of a first frame are one u64: how many bytes of output came before this segment, lost ones included.
 * The last frame of a segment may be shorter than its header says: whoever wrote it was killed.
 */
export interface Segment {
  readonly index: number;
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

export type SegmentPrefix = 'out' | 'err' | 'log';

export function segmentSuffix(index: number): string {
  let text = '';
  for (let rest = index, place = 0; place < 6; place++, rest = Math.floor(rest / 26)) text = String.fromCharCode(97 + (rest % 26)) + text;
  return text;
}

export function segmentIndex(suffix: string): number {
  return [...suffix].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 97, 0);
}

/** Oldest first. Empty when the directory is gone. */
export function listSegments(dir: string, prefix: SegmentPrefix): readonly Segment[] {
  return segmentNames(dir, prefix).flatMap(({ name, index }) => {
    const path = `${dir}/${name}`;
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat === undefined ? [] : [{ index, path, bytes: stat.size, modifiedMs: stat.mtimeMs }];
  });
}

function segmentNames(dir: string, prefix: SegmentPrefix): readonly { readonly name: string; readonly index: number }[] {
  let names: readonly string[];
  try {
    names = readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names
    .filter((name) => name.startsWith(`${prefix}.`) && /^[a-z]{6}$/.test(name.slice(4)))
    .sort()
    .map((name) => ({ name, index: segmentIndex(name.slice(4)) }));
}

/** Deletes the oldest raw segments beyond `keep` a stream; the newest always stays. */
export function trimSegments(dir: string, keep: number): void {
  for (const prefix of ['out', 'err'] as const) {
    const names = segmentNames(dir, prefix);
    for (const { name } of names.slice(0, Math.max(0, names.length - Math.max(1, keep)))) rmSync(join(dir, name), { force: true });
  }
}

/** Fills as much of `size` bytes as the file has from `offset`; `null` = the file is gone. */
export function readSegment(path: string, offset: number, size: number): Buffer | null {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(size, fstatSync(fd).size - offset)));
    let filled = 0;
    for (let read = -1; read !== 0 && filled < buffer.length; filled += read) read = readSync(fd, buffer, filled, buffer.length - filled, offset + filled);
    return buffer.subarray(0, filled);
  } finally {
    closeSync(fd);
  }
}
