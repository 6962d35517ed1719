import { connect, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectPlain, isIP } from 'node:net';
import { connect as connectSecure, TLSSocket } from 'node:tls';
import type { Call } from '@ostler/sdk';
import type { CoreClock } from '../base/clock.ts';
import { certificateTrouble } from './certificate.ts';
import { requestFrame, statusIn } from './grpc-health.ts';
import { authority, inShort, type Prepare, reach } from './prepared.ts';
import { stageOf } from './stage.ts';

interface GrpcOptions {
  readonly port?: number | undefined;
  /** Absent = the server as a whole. */
  readonly service?: string | undefined;
  readonly tls?: boolean | undefined;
}

/** More than any answer has; what comes beyond ends the question. */
const maxAnswerBytes = 4096;

const codes = (
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED ' +
  'OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'
).split(' ');

/**
 * Good when grpc.health.v1.Health/Check answers SERVING. Over cleartext HTTP/2, or TLS with any signer of the certificate, as the http probe takes it.
 */
export const prepareGrpc: Prepare = (given, { clock, endpoints }) => {
  const { port: asked, service = '', tls = false } = (given ?? {}) as GrpcOptions;
  if (asked === undefined) throw new Error('there is no port to ask');
  const { address, port } = reach(asked, endpoints);
  const where = authority(address, port);
  const what = service === '' ? `gRPC health of ${where}` : `gRPC health of "${inShort(service, 80)}" at ${where}`;
  return {
    what,
    ask: async (call) => {
      const answer = await check({ address, port, tls, where, service, clock, call });
      const trouble = troubleOf(answer);
      if (trouble !== null) return { ok: false, evidence: `${what} answered ${trouble}` };
      const status = statusIn(answer.bytes);
      return { ok: status === 'SERVING', evidence: `${what} answered ${status}` };
    },
  };
};

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}
interface Question {
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
  readonly where: string;
  readonly service: string;
  readonly clock: CoreClock;
  readonly call: Call;
}

function troubleOf({ headers, trailers }: Answer): string | null {
  // An answer without a body has its trailers in the place of headers.
  const written = trailers['grpc-status'] ?? headers['grpc-status'];
  if (written === undefined) {
    if (Number(headers[':status']) !== 200) return `HTTP ${headers[':status']}, which is no answer of gRPC`;
    return 'without the status of gRPC';
  }
  const code = Number(written);
  const name = codes[code] ?? `the unknown code ${inShort(String(written), 20)}`;
  if (code === 0) return null;
  if (code === 5) return `${name}: it knows no service of that name`;
  if (code === 12) return `${name}: it does not offer grpc.health.v1.Health`;
  const message = trailers['grpc-message'] ?? headers['grpc-message'];
  return typeof message === 'string' && message !== '' ? `${name}: ${inShort(decoded(message), 100)}` : name;
}

function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

function check({ address, port, tls, where, service, clock, call }: Question): Promise<Answer> {
  call.signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const socket = tls
      ? connectSecure({ host: address, port, ALPNProtocols: ['h2'], rejectUnauthorized: false, ...(isIP(address) === 0 ? { servername: address } : {}) })
      : connectPlain({ host: address, port });
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
        const trouble = certificateTrouble(socket, null, clock.nowMs()) ?? (socket.alpnProtocol === 'h2' ? null : 'it does not offer HTTP/2');
        if (trouble !== null) fail(new Error(trouble));
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
