import { statfsSync } from 'node:fs';

/** From linux/magic.h. */
const tmpfsMagic = 0x01021994;
const ramfsMagic = 0x858458f6;

/** True where files are kept in memory only. False for a path that is not there, and where the system does not tell (macOS). */
export function isInMemory(path: string): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const type = statfsSync(path).type >>> 0;
    return type === tmpfsMagic || type === ramfsMagic;
  } catch {
    return false;
  }
}
