import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Call } from '@ostler/sdk';
import { refusal } from '../errors.ts';
import { type FileHashes, unreadable } from './file-hashes.ts';
import type { IgnoreRules } from './ignore.ts';

/** One thing in a context. `path` is relative to it; `mode` holds the permission bits. */
export type ContextEntry = { readonly path: string; readonly mode: number; readonly mtimeS: number } & (
  | { readonly is: 'folder' }
  | { readonly is: 'link'; readonly target: string }
  | { readonly is: 'file'; readonly size: number; readonly digest: string }
);

const atOnce = 16;

/**
 * What a folder would send to a build, in the order of its names. Links are taken as links; sockets, FIFOs and devices are left out. Throws `not-found` or
 * `invalid` for what is no folder, `invalid` for what may not be read, `conflict` for what changes meanwhile. Bounded by the number of files, not by their size.
 */
export async function readContext(root: string, rules: IgnoreRules, hashes: FileHashes, call: Call): Promise<readonly ContextEntry[]> {
  const found = await stat(root).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw refusal('not-found', `the folder to build from, ${root}, does not exist`);
    throw unreadable(root, error);
  });
  if (!found.isDirectory()) throw refusal('invalid', `${root}, named to build from, is no folder`);
  return folder('');

  async function folder(at: string): Promise<readonly ContextEntry[]> {
    call.signal.throwIfAborted();
    const names = await readdir(join(root, at)).catch((error: unknown) => {
      throw unreadable(join(root, at), error);
    });
    const paths = names.sort().map((name) => (at === '' ? name : `${at}/${name}`));
    const entries: ContextEntry[] = [];
    for (let from = 0; from < paths.length; from += atOnce) {
      const part = paths.slice(from, from + atOnce);
      const looked = await Promise.all(part.map((path) => look(path)));
      for (const [index, one] of looked.entries()) {
        const path = part[index] ?? '';
        if (one === null) continue;
        if (one.is !== 'folder') {
          entries.push(one);
          continue;
        }
        const isOut = rules.leavesOut(path);
        if (isOut && !rules.hasExceptions) continue;
        const inside = await folder(path);
        // A folder that is left out comes along where something in it does not.
        if (!isOut || inside.length > 0) entries.push(one, ...inside);
      }
    }
    return entries;
  }

  async function look(path: string): Promise<ContextEntry | null> {
    if (path.includes('\uFFFD')) throw refusal('invalid', `in ${root}, ${path} has a name that is no UTF-8; rename it, or move it out of the folder`);
    const full = join(root, path);
    const seen = await lstat(full, { bigint: true }).catch((error: unknown) => {
      throw unreadable(full, error);
    });
    if (seen.isDirectory()) return { is: 'folder', ...sharedBy(path, seen) };
    if (rules.leavesOut(path)) return null;
    if (seen.isSymbolicLink()) return { is: 'link', target: await readlink(full), ...sharedBy(path, seen) };
    return seen.isFile() ? { is: 'file', ...(await hashes.of(full, call)), ...sharedBy(path, seen) } : null;
  }
}

const sharedBy = (path: string, { mode, mtimeMs }: BigIntStats) => ({ path, mode: Number(mode) & 0o7777, mtimeS: Math.max(0, Number(mtimeMs / 1000n)) });

/** Of names, modes and contents; times say nothing about what is built. */
export function digestOf(entries: readonly ContextEntry[]): string {
  const hash = createHash('sha256');
  for (const entry of entries)
    hash.update(`${JSON.stringify([entry.is, entry.path, entry.mode, 'digest' in entry ? entry.digest : 'target' in entry ? entry.target : null])}\n`);
  return hash.digest('hex');
}
