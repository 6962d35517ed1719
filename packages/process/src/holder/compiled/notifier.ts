import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { findBinary } from './binary.ts';

/** Tells a service manager of this very process by sd_notify(3). */
export interface Notifier {
  /** `READY=1`, `WATCHDOG=1`, `STATUS=…`, one or several lines. Never throws: who listens may have gone. */
  send(message: string): void;
}

/**
 * Node has no unix datagram sockets, so the holder's binary sends for it: a unit needs `NotifyAccess=all` (systemd.exec(5)). `socket`: NOTIFY_SOCKET.
 * `null` = nobody asked for it, or there is no binary.
 */
export function openNotifier(socket: string | undefined, onTrouble: (text: string) => void): Notifier | null {
  if (socket === undefined || socket === '') return null;
  const binary = findBinary();
  if (binary.path === null) {
    onTrouble(`the service manager asked to be told by ${socket}, which takes the compiled holder: ${binary.why}`);
    return null;
  }
  const child = spawn(binary.path, ['notify', socket], { cwd: '/', env: {}, detached: true, stdio: ['pipe', 'ignore', 'pipe'] });
  const pipe = child.stdin as Writable & { unref?(): void };
  child.on('error', (error) => onTrouble(error.message));
  pipe.on('error', () => {});
  child.stderr?.on('data', (bytes: Buffer) => onTrouble(bytes.toString().trim()));
  for (const one of [child, pipe, child.stderr] as readonly { unref?(): void }[]) one.unref?.();
  return { send: (message) => void pipe.write(`${message}\0`) };
}
