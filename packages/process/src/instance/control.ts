import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Has the compiled holder send a signal to the worker's process group: one byte into the fifo `control`. `false` = no holder is there to read it. */
export function orderHolder(path: string, signal: number): boolean {
  let fd: number;
  try {
    fd = openSync(join(path, 'control'), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    // ENXIO: nobody has it open for reading.
    if (['ENXIO', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
  try {
    return writeSync(fd, Buffer.of(signal)) === 1;
  } finally {
    closeSync(fd);
  }
}
