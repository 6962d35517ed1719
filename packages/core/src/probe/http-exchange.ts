import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Call } from '@ostler/sdk';
import type { Cancel, CoreClock } from '../base/clock.ts';
import { refuseCertificate } from './certificate.ts';
import { stageOf } from './stage.ts';

/** As much of a body is looked at. */
const maxBodyBytes = 64 * 1024;
/** How long the end of a body is waited for that nobody needs, so that the server does not see its answer refused. */
const drainMs = 100;

export interface Exchange {
  /** The text that is looked for in the body of an answer of this status. */
  wanted(status: number): string | undefined;
  /** The name that its certificate must be for; `null` = any. */
  readonly name: string | null;
  readonly clock: CoreClock;
  readonly call: Call;
}

export interface Answer {
  readonly status: number;
  readonly hasWanted: boolean;
  /** Of the body. `cut`: it went on after the bytes that were looked at; `broken`: the connection ended in the midst of it. */
  readonly end: 'whole' | 'cut' | 'broken';
  /** What came of the body: `5 of 100 bytes`. */
  readonly extent: string;
  readonly headers: IncomingMessage['headers'];
}

/** Sees a request through, and leaves no connection behind. At the call's end it notes how far the server came. */
export function exchange(sent: ClientRequest, { wanted, name, clock, call }: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let cancelDrain: Cancel = () => {};
    let reading: { readonly status: number; extent(): string } | null = null;
    let socket: Socket | null = null;
    const giveUp = (): void => {
      call.progress(
        reading === null
          ? stageOf(socket, (count) => `it sent ${count} bytes, but no whole headers`)
          : `it answered ${reading.status}, and its body stops after ${reading.extent()}`,
      );
      reject(call.signal.reason);
      sent.destroy();
    };
    call.signal.addEventListener('abort', giveUp, { once: true });
    sent.on('error', (error) => reject(isCutOff(error, socket) ? new Error('the connection was closed in the midst of its headers') : error));
    sent.on('close', () => {
      cancelDrain();
      call.signal.removeEventListener('abort', giveUp);
      if (reading === null) reject(new Error('the connection was closed without an answer'));
    });
    sent.on('socket', (given) => {
      socket = given;
      if (!(given instanceof TLSSocket)) return;
      given.once('secureConnect', () => {
        try {
          refuseCertificate(given, name, clock.nowMs());
        } catch (error) {
          reject(error);
          sent.destroy();
        }
      });
    });
    sent.on('upgrade', (response) => {
      resolve({ status: response.statusCode ?? 0, hasWanted: false, end: 'cut', extent: '0 bytes', headers: response.headers });
      sent.destroy();
    });
    sent.on('response', (response) => {
      const status = response.statusCode ?? 0;
      const text = wanted(status);
      const body = text === undefined ? null : new Body(text);
      let bytes = 0;
      const extent = (): string => {
        const length = response.headers['content-length'];
        return length === undefined ? `${bytes} bytes` : `${bytes} of ${length} bytes`;
      };
      reading = { status, extent };
      const finish = (end: Answer['end']): void => {
        resolve({ status, hasWanted: body?.hasText ?? false, end, extent: extent(), headers: response.headers });
        if (end !== 'whole') sent.destroy();
      };
      response.on('error', () => finish('broken'));
      response.on('close', () => finish('broken'));
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        body?.push(chunk);
        if (bytes > maxBodyBytes || body?.hasText) finish('cut');
      });
      response.on('end', () => finish('whole'));
      if (body === null) cancelDrain = clock.after(drainMs, () => finish('cut'));
    });
    sent.end();
    if (call.signal.aborted) giveUp();
  });
}

/** Closed by the server after it had sent something: Node's word for that has no system call. */
const isCutOff = (error: Error, socket: Socket | null): boolean =>
  (error as NodeJS.ErrnoException).code === 'ECONNRESET' && !('syscall' in error) && socket !== null && socket.bytesRead > 0;

/** Looks for a text in what comes in pieces. */
class Body {
  readonly #text: Buffer;
  readonly #kept = Buffer.alloc(maxBodyBytes);
  #bytes = 0;
  hasText = false;

  constructor(text: string) {
    this.#text = Buffer.from(text);
  }

  push(chunk: Buffer): void {
    // The text may begin in the piece before.
    const from = Math.max(0, this.#bytes - this.#text.length);
    this.#bytes += chunk.copy(this.#kept, this.#bytes);
    this.hasText ||= this.#kept.subarray(from, this.#bytes).includes(this.#text);
  }
}
