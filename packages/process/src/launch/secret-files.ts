import { chmodSync, chownSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { runtimeFailure, type Secrets } from '@ostler/sdk';

/** Lays the files of one start below `dir`, each replaced by rename. `uid`: the worker's, `null` = this process's own. */
export function writeSecretFiles(dir: string, files: Secrets['files'], owner: { readonly uid: number; readonly gid: number } | null): void {
  mkdirSync(dirname(dir), { recursive: true, mode: 0o711 });
  const folder = (path: string) => {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (owner !== null) chownSync(path, owner.uid, owner.gid);
  };
  if (owner !== null) chmodSync(dirname(dir), 0o711);
  folder(dir);
  for (const file of files) {
    const name = normalize(file.name);
    if (name.startsWith('/') || name.split('/').includes('..'))
      throw runtimeFailure({ code: 'invalid', outcome: 'no', retryable: false, message: `secret file "${file.name}" must stay inside $OSTLER_SECRETS` });
    const path = join(dir, name);
    if (dirname(path) !== dir) folder(dirname(path));
    const fresh = `${path}.new`;
    writeFileSync(fresh, file.bytes, { mode: 0o600 });
    if (owner !== null || file.uid !== undefined) chownSync(fresh, file.uid ?? owner?.uid ?? -1, owner?.gid ?? process.getgid?.() ?? -1);
    chmodSync(fresh, file.mode);
    renameSync(fresh, path);
  }
}

export function removeSecretFiles(dir: string | null): void {
  if (dir !== null) rmSync(dir, { recursive: true, force: true });
}
