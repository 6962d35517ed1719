import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Call } from '@ostler/sdk';
import { refusal } from '../errors.ts';

/** What tells one state of a file from the next. */
interface Mark {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
}
interface Known extends Mark {
  readonly digest: string;
}

const mostKnown = 500_000;
const chunkBytes = 256 * 1024;
/** Some file systems keep time in steps of two seconds: what was written so lately may be written again without a sign. */
const settledMs = 2500;
const tries = 3;

const isSame = (a: Mark, b: Mark): boolean => a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.ino === b.ino;

/** SHA-256 of files. What did not change since it was read is not read again: a large context that a first call did not get through, a second one does. */
export class FileHashes {
  readonly #known = new Map<string, Known>();
  readonly #reading = new Map<string, Promise<unknown>>();

  /** Hexadecimal. Throws `invalid` for a file that may not be read, `conflict` for one that is being written. */
  async of(path: string, call: Call): Promise<{ readonly digest: string; readonly size: number }> {
    for (;;) {
      const other = this.#reading.get(path);
      if (other === undefined) break;
      await other.catch(() => {});
      call.signal.throwIfAborted();
    }
    const reading = this.#read(path, call).finally(() => this.#reading.delete(path));
    this.#reading.set(path, reading);
    return reading;
  }

  async #read(path: string, call: Call): Promise<{ readonly digest: string; readonly size: number }> {
    const file = await openFile(path);
    try {
      for (let tried = 0; tried < tries; tried += 1) {
        const before = await file.stat({ bigint: true });
        const known = this.#known.get(path);
        if (known !== undefined && isSame(known, before)) return { digest: known.digest, size: Number(known.size) };
        const hash = createHash('sha256');
        const size = await readInto(hash, file, call);
        const after = await file.stat({ bigint: true });
        if (!isSame(before, after) || BigInt(size) !== after.size) continue;
        const digest = hash.digest('hex');
        this.#remember(path, { size: after.size, mtimeNs: after.mtimeNs, ctimeNs: after.ctimeNs, ino: after.ino, digest });
        return { digest, size };
      }
      throw refusal('conflict', `${path} changes while it is read; try again when whoever writes it is done, or name it in .dockerignore`, true);
    } finally {
      await file.close();
    }
  }

  #remember(path: string, known: Known): void {
    const writtenMs = Number((known.mtimeNs > known.ctimeNs ? known.mtimeNs : known.ctimeNs) / 1_000_000n);
    if (writtenMs > Date.now() - settledMs) return;
    if (this.#known.size >= mostKnown) this.#known.clear();
    this.#known.set(path, known);
  }
}

/** Never waits for the other end of a FIFO that took the file's place. */
export async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(path, error);
  }
}

export function unreadable(path: string, error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM')
    return refusal('invalid', `${path} may not be read by the agent’s user; make it readable, or name it in .dockerignore if the image does not need it`);
  if (code === 'ENOENT' || code === 'ELOOP') return refusal('conflict', `${path} was taken away while the folder was read; try again`, true);
  return refusal('invalid', `${path} cannot be read (${code ?? String(error)})`, true);
}

async function readInto(hash: Hash, file: FileHandle, call: Call): Promise<number> {
  let size = 0;
  for await (const chunk of chunksOf(file, call)) {
    hash.update(chunk);
    size += chunk.length;
  }
  return size;
}

/** A chunk is good until the next one is asked for. */
async function* chunksOf(file: FileHandle, call: Call): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  for (let at = 0; ; ) {
    call.signal.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    call.progress('reading the folder to build from');
    yield buffer.subarray(0, bytesRead);
  }
}
