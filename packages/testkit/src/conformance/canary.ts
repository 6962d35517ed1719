import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A value that occurs nowhere else on this host. */
export const makeCanary = (): string => `canary${randomBytes(18).toString('hex')}`;

/** Paths of regular files under `folder` that hold `canary`, in their bytes or their name. Never opens a fifo or a socket. */
export async function filesWith(canary: string, folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const holds = entry.isFile() && (await readFile(path).catch(() => Buffer.alloc(0))).includes(canary);
    if (holds || entry.name.includes(canary)) found.push(path);
  }
  return found;
}
