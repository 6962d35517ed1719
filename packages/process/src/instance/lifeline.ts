import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { Socket } from 'node:net';

/** Opens a fifo for reading without waiting; `null` if it has no writer or does not exist. */
function openWritten(path: string): number | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    // Without a writer epoll would never report the end, so ask once by hand: 0 bytes = nobody holds it.
    // A file in the fifo's place is held by nobody either.
    if (fstatSync(fd).isFIFO() && readSync(fd, Buffer.alloc(1)) > 0) return fd;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return fd;
    closeSync(fd);
    throw error;
  }
  closeSync(fd);
  return null;
}

/** Whether some process holds the fifo for writing: for `alive` the holder, for `draining` the writers of the log segments. */
export function isHeld(path: string): boolean {
  const fd = openWritten(path);
  if (fd === null) return false;
  closeSync(fd);
  return true;
}

/** Calls `onEnd` once when the last writer is gone, at once if there is none. The returned function lets go without calling it. */
export function watchLifeline(path: string, onEnd: () => void): () => void {
  const fd = openWritten(path);
  if (fd === null) {
    const soon = setImmediate(onEnd);
    return () => clearImmediate(soon);
  }
  const socket = new Socket({ fd, readable: true, writable: false });
  let isOver = false;
  const end = () => {
    if (isOver) return;
    isOver = true;
    socket.destroy();
    onEnd();
  };
  socket.on('end', end).on('error', end).resume().unref();
  return () => {
    isOver = true;
    socket.destroy();
  };
}
