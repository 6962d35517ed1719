import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { secretFailure } from '@ostler/sdk';

const mostBytes = 1024 * 1024;

export interface FileSecret {
  readonly bytes: Uint8Array;
  /** What a person should mend, without the value. */
  readonly warnings: readonly string[];
}

/** `file:PATH`, relative to the host file's folder. Plain files only: a FIFO would hold the agent up. Rejects with a SecretFailure. */
export async function readFileSecret(ref: string, baseDir: string): Promise<FileSecret> {
  const path = pathOf(ref, baseDir);
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'the agent may not read it' : (error as Error).message;
    throw secretFailure({ code: code === 'ENOENT' ? 'missing' : 'unavailable', ref, message: `${ref}: ${why} (${path})` });
  }
  try {
    const found = await file.stat();
    if (!found.isFile()) throw secretFailure({ code: 'unavailable', ref, message: `${ref}: ${path} is no plain file` });
    if (found.size > mostBytes) throw secretFailure({ code: 'unavailable', ref, message: `${ref}: ${path} is larger than 1 MiB` });
    const bytes = await readAtMost(file, mostBytes + 1);
    if (bytes.length > mostBytes) throw secretFailure({ code: 'unavailable', ref, message: `${ref}: ${path} is larger than 1 MiB` });
    const warnings: string[] = [];
    if ((found.mode & 0o077) !== 0) warnings.push(`${ref}: others may read ${path} (mode ${(found.mode & 0o777).toString(8)}): chmod 600 it`);
    if (await isInRepository(path, baseDir)) warnings.push(`${ref}: ${path} lies inside a git repository: keep it outside, or encrypt it`);
    return { bytes, warnings };
  } finally {
    await file.close();
  }
}

function pathOf(ref: string, baseDir: string): string {
  if (!ref.startsWith('file://')) return resolve(baseDir, ref.slice('file:'.length));
  try {
    return fileURLToPath(ref);
  } catch {
    throw secretFailure({ code: 'unavailable', ref, message: `${ref}: it is no URL of a file on this host; expected file:PATH or file:///PATH` });
  }
}

/** The size that stat tells is not to be trusted: a file may grow, and those of /proc have none. */
async function readAtMost(file: FileHandle, bytes: number): Promise<Uint8Array> {
  const buffer = Buffer.alloc(bytes);
  let length = 0;
  while (length < bytes) {
    const { bytesRead } = await file.read(buffer, length, bytes - length, null);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  const own = new Uint8Array(buffer.subarray(0, length));
  buffer.fill(0);
  return own;
}

/** True below the nearest folder with a `.git`, seen from the host file. */
async function isInRepository(path: string, baseDir: string): Promise<boolean> {
  for (let folder = resolve(baseDir); ; folder = dirname(folder)) {
    if (
      await stat(join(folder, '.git')).then(
        () => true,
        () => false,
      )
    )
      return path.startsWith(`${folder}/`);
    if (dirname(folder) === folder) return false;
  }
}
