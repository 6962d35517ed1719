import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type Place, type Problem, problem } from '../base/problem.ts';
import { bounds } from './bounds.ts';

export const startOf = (file: string): Place => ({ file, line: 1, column: 1 });

/**
 * The text of a file, without a byte order mark. Refused: what is no regular file (a FIFO would wait for ever), more than 1 MiB, what is not
 * UTF-8. `isCode`: the file will be run, so nobody but the agent's user (or root) may be able to write it.
 */
export async function readText(file: string, referrer: Place | undefined, isCode = false): Promise<string> {
  let handle: FileHandle;
  try {
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(file, referrer, error);
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile())
      throw problem({ code: 'host-file-missing', message: `${file} is ${stat.isDirectory() ? 'a folder' : 'no regular file'}`, place: referrer });
    if (isCode) refuseUntrusted(file, stat);
    if (stat.size > bounds.fileBytes) throw tooLarge(file);
    const bytes = Buffer.alloc(bounds.fileBytes + 1);
    let length = 0;
    while (length < bytes.length) {
      // A disk that fails, or a file of the kernel that is none: /proc/self/mem.
      const { bytesRead } = await handle
        .read(bytes, length, bytes.length - length, null)
        .catch((error: unknown) => Promise.reject(unreadable(file, referrer, error)));
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    if (length > bounds.fileBytes) throw tooLarge(file);
    return decode(bytes.subarray(0, length), file);
  } finally {
    await handle.close();
  }
}

/** A code config runs as the agent's user: it must be this user's (or root's) and not writable by others. */
export function refuseUntrusted(file: string, stat: { readonly uid: number; readonly mode: number }): void {
  const user = process.getuid?.();
  if (user === undefined) return;
  const why =
    stat.uid !== user && stat.uid !== 0
      ? `it belongs to user ${stat.uid}, the agent runs as user ${user}`
      : (stat.mode & 0o022) !== 0
        ? `others can write it (mode ${(stat.mode & 0o777).toString(8).padStart(4, '0')})`
        : null;
  if (why)
    throw problem({
      code: 'host-file-untrusted',
      message: `${file} is code and is not run: ${why}`,
      place: startOf(file),
      hint: `Make it yours alone: chown ${user} ${file}; chmod go-w ${file}`,
    });
}

function decode(bytes: Uint8Array, file: string): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    throw problem({ code: 'host-file-syntax', message: 'the file is UTF-16; expected UTF-8', place: startOf(file), hint: 'Save it as UTF-8.' });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw problem({ code: 'host-file-syntax', message: 'the file is not UTF-8 text', place: badByte(bytes, file), hint: 'Save it as UTF-8.' });
  }
  const nul = text.indexOf('\0');
  if (nul >= 0) throw problem({ code: 'host-file-syntax', message: 'the file holds a NUL character', place: placeOf(text, file)(nul) });
  return text;
}

/** The place of the first byte that is no UTF-8. */
function badByte(bytes: Uint8Array, file: string): Place {
  let low = 0;
  let high = bytes.length;
  const isGood = (end: number): boolean => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (isGood(middle)) low = middle;
    else high = middle - 1;
  }
  const before = new TextDecoder().decode(bytes.subarray(0, low));
  return placeOf(before, file)(before.length);
}

/** Offset in characters -> place. */
export function placeOf(text: string, file: string): (offset: number) => Place {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { file, line: low + 1, column: Math.max(0, offset - starts[low]!) + 1 };
  };
}

const tooLarge = (file: string): Error & Problem =>
  problem({ code: 'host-file-invalid', message: `the file is larger than ${bounds.fileBytes / 1024} KiB`, place: startOf(file) });

function unreadable(file: string, referrer: Place | undefined, error: unknown): Error & Problem {
  const code = (error as NodeJS.ErrnoException).code;
  const why =
    code === 'ENOENT' || code === 'ENOTDIR'
      ? 'does not exist'
      : code === 'EACCES' || code === 'EPERM'
        ? 'may not be read by this user'
        : code === 'ELOOP'
          ? 'is a symbolic link to itself'
          : `cannot be read (${code ?? 'unknown error'})`;
  return problem({ code: 'host-file-missing', message: `${file} ${why}`, place: referrer }, error);
}
