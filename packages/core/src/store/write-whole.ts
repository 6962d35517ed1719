import { randomUUID } from 'node:crypto';
import { link, open, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file that is there whole or not at all, also after a power cut: new file, fsync, rename, fsync of the directory. Mode 0600.
 * `isNew`: rejects with EEXIST where there is one already, so that of two that write at once one wins and the other knows.
 */
export async function writeWhole(path: string, content: string | Uint8Array, isNew = false): Promise<void> {
  const unfinished = `${path}.${randomUUID()}.new`;
  try {
    const file = await open(unfinished, 'w', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await (isNew ? linkOrRename(unfinished, path) : rename(unfinished, path));
  } finally {
    // Gone by the rename, usually.
    await unlink(unfinished).catch(() => {});
  }
  const directory = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function linkOrRename(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    // FAT and some network file systems have no hard links: link(2).
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    await rename(from, to);
  }
}
