import { chmodSync, chownSync, mkdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { Folders, InstanceRef, Secrets } from '@ostler/sdk';
import { refusal } from '../errors.ts';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Secret files of one instance: in a folder on tmpfs of the host, mounted read-only. Not by the engine's own means: what it copies into a tmpfs of a
 * container lands on the disk below it.
 */
export function secretsDirOf(folders: Folders, { worker, instance }: InstanceRef): string {
  return join(folders.secrets(), worker, instance);
}

/** The empty folder, for the mount. */
export function makeSecretsDir(dir: string): void {
  mkdirSync(dirname(dir), { recursive: true, mode: 0o711 });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
}

/** Each file replaced by rename. `owner`: the user in the container; `null` = this process's own. Throws `invalid` where this process may not give files away. */
export function writeSecretFiles(dir: string, files: Secrets['files'], owner: Owner | null): void {
  try {
    for (const file of files) writeOne(dir, file, owner);
    if (owner !== null) chownSync(dir, owner.uid, owner.gid);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    throw refusal('invalid', 'only an agent that runs as root can give secret files to another user; run the worker as the agent’s own user');
  }
}

function writeOne(dir: string, file: Secrets['files'][number], owner: Owner | null): void {
  const name = normalize(file.name);
  if (name.startsWith('/') || name.split('/').includes('..')) throw refusal('invalid', `secret file "${file.name}" must stay inside $OSTLER_SECRETS`);
  const path = join(dir, name);
  if (dirname(path) !== dir) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    if (owner !== null) chownSync(dirname(path), owner.uid, owner.gid);
  }
  const fresh = `${path}.new`;
  writeFileSync(fresh, file.bytes, { mode: 0o600 });
  if (owner !== null || file.uid !== undefined) chownSync(fresh, file.uid ?? owner?.uid ?? -1, owner?.gid ?? process.getgid?.() ?? -1);
  chmodSync(fresh, file.mode);
  renameSync(fresh, path);
}

/** Gone = success, also where this host has no place for secrets any more. */
export function removeSecretFiles(folders: Folders, ref: InstanceRef): void {
  let dir: string;
  try {
    dir = secretsDirOf(folders, ref);
  } catch {
    return;
  }
  rmSync(dir, { recursive: true, force: true });
  try {
    rmdirSync(dirname(dir));
  } catch {
    // another instance of the worker has some
  }
}
