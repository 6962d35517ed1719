import { readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

const tries = 40;
const cell = new Int32Array(new SharedArrayBuffer(4));

/** Removes a cgroup that has no process any more, and those below it. The kernel lets go of it a moment after its last process: tried for a second. */
export function removeGroup(group: string): void {
  for (let time = 0; time < tries && !isRemoved(group); time++) Atomics.wait(cell, 0, 0, 25);
}

function isRemoved(group: string): boolean {
  try {
    for (const entry of readdirSync(group, { withFileTypes: true })) if (entry.isDirectory()) isRemoved(join(group, entry.name));
    rmdirSync(group);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
