// Apart from the probe, and loaded with its first question: HTTP/2 costs an agent that asks nobody by it 6 MB.
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectPlain, isIP } from 'node:net';
import { connect as connectSecure, TLSSocket } from 'node:tls';
import type { Call } from '@ostler/sdk';
import type { CoreClock } from '../base/clock.ts';
import { refuseCertificate } from './certificate.ts';
import { requestFrame } from './grpc-health.ts';
import { names } from './names.ts';
import { stageOf } from './stage.ts';

/** More than any answer has; what comes beyond ends the question. */
const maxAnswerBytes = 4096;

export interface GrpcAnswer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}
export interface GrpcQuestion {
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
  readonly where: string;
  readonly service: string;
  readonly clock: CoreClock;
  readonly call: Call;
}

/** Asks once, and leaves no connection behind. At the call's end it notes how far the server came. */
export function check({ address, port, tls, where, service, clock, call }: GrpcQuestion): Promise<GrpcAnswer> {
  call.signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const socket = tls
      ? connectSecure({
          host: address,
          port,
          lookup: names.lookup,
          ALPNProtocols: ['h2'],
          rejectUnauthorized: false,
          ...(isIP(address) === 0 ? { servername: address } : {}),
        })
      : connectPlain({ host: address, port, lookup: names.lookup });
    const session = connect(`${tls ? 'https' : 'http'}://${where}`, { createConnection: () => socket, settings: { enablePush: false } });
    let headers: IncomingHttpHeaders | null = null;
    const end = (settle: () => void): void => {
      call.signal.removeEventListener('abort', giveUp);
      settle();
      session.destroy();
      socket.destroy();
    };
    const fail = (error: unknown): void => end(() => reject(error));
    const giveUp = (): void => {
      call.progress(headers === null ? stageOf(socket, () => 'it speaks, but does not answer') : 'it began to answer and did not end it');
      fail(call.signal.reason);
    };
    call.signal.addEventListener('abort', giveUp, { once: true });
    socket.on('error', fail);
    session.on('error', fail);
    session.on('close', () => fail(new Error('the connection was closed without an answer')));
    if (socket instanceof TLSSocket)
      socket.once('secureConnect', () => {
        try {
          refuseCertificate(socket, null, clock.nowMs());
          if (socket.alpnProtocol !== 'h2') throw new Error('it does not offer HTTP/2');
        } catch (error) {
          fail(error);
        }
      });
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'ostler-probe',
      'grpc-timeout': `${Math.min(99_999_999, Math.max(1, Math.round(call.deadlineMs - clock.nowMs())))}m`,
    });
    let trailers: IncomingHttpHeaders = {};
    let bytes = Buffer.alloc(0);
    stream.on('error', fail);
    stream.on('response', (given) => {
      headers = given;
    });
    stream.on('trailers', (given) => {
      trailers = given;
    });
    stream.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length > maxAnswerBytes) fail(new Error(`it answered more than ${maxAnswerBytes} bytes`));
    });
    stream.on('close', () => {
      const given = headers;
      if (given === null) fail(new Error(session.destroyed ? 'the connection was closed without an answer' : 'it ended the question without an answer'));
      else end(() => resolve({ headers: given, trailers, bytes }));
    });
    stream.end(requestFrame(service));
  });
}
