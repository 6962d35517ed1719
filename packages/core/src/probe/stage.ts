import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** How far a server came that has not answered. `spoke`: what to say where it sent something. */
export function stageOf(socket: Socket | null, spoke: (bytes: number) => string): string {
  if (socket === null || socket.connecting) return 'there is no connection so far';
  if (socket instanceof TLSSocket && socket.getPeerFinished() === undefined) return 'it accepted the connection and does not finish the TLS handshake';
  return socket.bytesRead === 0 ? 'it accepted the connection and sent nothing' : spoke(socket.bytesRead);
}
