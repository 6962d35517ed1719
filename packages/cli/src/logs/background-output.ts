import { write as writeFd } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

export type Output = (bytes: Uint8Array) => Promise<void>;

const againMs = 20;

/**
 * Writes to a file descriptor from Node's thread pool. `process.stdout` blocks the whole process while a pipe is full or a terminal is held by
 * Ctrl-S; an agent must not stand still with it. A reader that has gone is nobody's loss: from then on nothing is written.
 */
export function backgroundOutput(fd: number): Output {
  let isGone = false;
  let order: Promise<void> = Promise.resolve();
  const writeWhole = async (bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length && !isGone; ) {
      try {
        at += await writeSome(fd, bytes.subarray(at));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') await pause(againMs);
        else isGone = true;
      }
    }
  };
  return (bytes) => {
    order = order.then(() => writeWhole(bytes));
    return order;
  };
}

const writeSome = (fd: number, bytes: Uint8Array): Promise<number> =>
  new Promise((resolve, reject) => {
    writeFd(fd, bytes, 0, bytes.length, null, (error, written) => (error === null ? resolve(written) : reject(error)));
  });
