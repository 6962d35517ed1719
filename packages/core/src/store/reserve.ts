import { randomFillSync } from 'node:crypto';
import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Room kept on the disk for the day it is full: given up once, so that what goes on can still be written down. */
export interface Reserve {
  readonly isThere: boolean;
  /** True when there was something to give up. */
  release(): boolean;
  /** Makes it again where there is room for twice its size; true when it is there afterwards. */
  renew(): boolean;
}

/** After a try that failed although the disk told of room (a quota), so long until the next. */
const retryAfterMs = 10_000;

export function openReserve(dataDir: string, bytes: number): Reserve {
  const path = join(dataDir, 'reserve');
  let isThere = sizeOf(path) >= bytes;
  let notBefore = 0;
  return {
    get isThere() {
      return isThere;
    },
    release() {
      const had = sizeOf(path) > 0;
      rmSync(path, { force: true });
      isThere = false;
      return had;
    },
    renew() {
      if (isThere || performance.now() < notBefore) return isThere;
      try {
        const { bavail, bsize } = statfsSync(dataDir);
        if (bavail * bsize < bytes * 2) return false;
        write(path, bytes);
        isThere = true;
      } catch {
        rmSync(path, { force: true });
        notBefore = performance.now() + retryAfterMs;
      }
      return isThere;
    },
  };
}

/** Random bytes: zeros would take no room on a file system that compresses or keeps holes. */
function write(path: string, bytes: number): void {
  const file = openSync(path, 'w', 0o600);
  try {
    const block = randomFillSync(Buffer.allocUnsafe(Math.min(bytes, 65_536)));
    for (let left = bytes; left > 0; ) left -= writeSync(file, block, 0, Math.min(left, block.length));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
