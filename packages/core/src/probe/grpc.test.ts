import { createSecureServer, createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Server } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { askProbe } from './ask.ts';
import { asking, type Listening, listening } from './fixtures/asking.ts';
import { selfSigned } from './fixtures/self-signed.ts';
import { requestFrame, statusIn } from './grpc-health.ts';
import type { ProbeAnswer } from './prepared.ts';

const servers: Listening[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

type OnCheck = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, message: Buffer) => void;
function answering(server: ReturnType<typeof createServer>, on: OnCheck): Promise<Listening> {
  server.on('session', (session) => session.on('error', () => {}));
  server.on('stream', (stream, headers) => {
    const parts: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => on(stream, headers, Buffer.concat(parts)));
  });
  return listening(server as unknown as Server);
}
async function grpc(on: OnCheck): Promise<Listening> {
  const server = await answering(createServer(), on);
  servers.push(server);
  return server;
}
const frame = (message: readonly number[]): Buffer => Buffer.from([0, 0, 0, 0, message.length, ...message]);
/** A whole answer: a message, and the status of gRPC in the trailers. */
const says =
  (bytes: Buffer, status = '0'): OnCheck =>
  (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
    stream.end(bytes);
  };
/** An answer that is its trailers alone, as servers give what went wrong. */
const fails =
  (status: string, message = ''): OnCheck =>
  (stream) =>
    stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': status, 'grpc-message': message }, { endStream: true });
const ask = (port: number, options: object = {}, given: Parameters<typeof asking>[0] = {}): Promise<ProbeAnswer> =>
  askProbe({ kind: 'grpc', options: { port, ...options } }, asking(given));

describe('a probe of gRPC', () => {
  it('is good when the server answers SERVING, and keeps no connection', async () => {
    let seen: IncomingHttpHeaders = {};
    let message: Buffer = Buffer.alloc(0);
    const server = await grpc((stream, headers, given) => {
      seen = headers;
      message = given;
      says(frame([8, 1]))(stream, headers, given);
    });
    expect(await ask(server.port)).toEqual({ ok: true, evidence: `gRPC health of 127.0.0.1:${server.port} answered SERVING` });
    expect(seen).toMatchObject({ ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc', te: 'trailers' });
    expect(seen['grpc-timeout']).toMatch(/^\d{4}m$/);
    expect([...message]).toEqual([0, 0, 0, 0, 0]);
    await vi.waitUntil(() => server.open() === 0, { timeout: 5000 });
  });

  it('asks for one service, by its name', async () => {
    const name = `orders.${'ä'.repeat(100)}`;
    const server = await grpc((stream, headers, message) => {
      const length = Buffer.byteLength(name);
      const isAsked = message.equals(Buffer.concat([Buffer.from([0, 0, 0, 0, length + 3, 0x0a, (length & 127) | 128, length >> 7]), Buffer.from(name)]));
      says(frame([8, isAsked ? 1 : 2]))(stream, headers, message);
    });
    const answer = await ask(server.port, { service: name });
    expect(answer.ok).toBe(true);
    expect(answer.evidence).toMatch(new RegExp(`^gRPC health of "orders\\.ä+ …" at 127\\.0\\.0\\.1:${server.port} answered SERVING$`));
  });

  it.each([
    ['UNKNOWN, as a zero', says(frame([8, 0])), 'answered UNKNOWN'],
    ['UNKNOWN, as nothing', says(frame([])), 'answered UNKNOWN'],
    ['NOT_SERVING', says(frame([8, 2])), 'answered NOT_SERVING'],
    ['NOT_SERVING after fields of the future', says(frame([0x12, 2, 8, 1, 0x1d, 0, 0, 0, 0, 8, 1, 8, 2])), 'answered NOT_SERVING'],
    ['SERVICE_UNKNOWN', says(frame([8, 3])), 'answered SERVICE_UNKNOWN'],
    ['a status of the future', says(frame([8, 9])), ': it answered a status that grpc.health.v1 does not know'],
    ['that it does not implement it', fails('12'), 'answered UNIMPLEMENTED: it does not offer grpc.health.v1.Health'],
    ['that it knows no such service', fails('5'), 'answered NOT_FOUND: it knows no service of that name'],
    ['that it is unavailable, and why', fails('14', 'warming%20up%0A%e2%80%a6'), 'answered UNAVAILABLE: warming up …'],
    ['why in a broken encoding', fails('13', '100%'), 'answered INTERNAL: 100%'],
    ['a code that is none', fails('99'), 'answered the unknown code 99'],
    ['SERVING, but with a failure after it', says(frame([8, 1]), '8'), 'answered RESOURCE_EXHAUSTED'],
    ['no message', says(Buffer.alloc(0)), ': it answered without a message'],
    ['half a message', says(Buffer.from([0, 0, 0, 0, 2, 8])), ': its message breaks off after 1 of 2 bytes'],
    ['a message that is compressed', says(Buffer.from([1, 0, 0, 0, 2, 8, 1])), ': its message is compressed though that was not asked for'],
    ['a message that is none', says(frame([8, 255])), ': its message is no HealthCheckResponse'],
    ['a field that runs over the end', says(frame([0x12, 100])), ': its message is no HealthCheckResponse'],
    ['4 GiB, it claims', says(Buffer.from([0, 255, 255, 255, 255, 8, 1])), ': its message breaks off after 2 of 4294967295 bytes'],
    [
      'a page of HTTP',
      (stream: ServerHttp2Stream) => void (stream.respond({ ':status': 404 }), stream.end('not here')),
      'answered HTTP 404, which is no answer of gRPC',
    ],
    [
      'a good page of HTTP',
      (stream: ServerHttp2Stream) => void (stream.respond({ ':status': 200 }), stream.end('hello')),
      'answered without the status of gRPC',
    ],
    ['10 MB', says(Buffer.alloc(10 ** 7)), ': it answered more than 4096 bytes'],
    ['by ending the question', (stream: ServerHttp2Stream) => stream.close(8), ': it ended the question without an answer'],
  ] as const)('is not good when the server answers %s', async (_, on, evidence) => {
    const server = await grpc(on);
    const sep = evidence.startsWith(':') ? '' : ' ';
    expect(await ask(server.port)).toEqual({ ok: false, evidence: `gRPC health of 127.0.0.1:${server.port}${sep}${evidence}` });
    await vi.waitUntil(() => server.open() === 0, { timeout: 5000 });
  });

  it('ends at its time when the answer begins and does not end, and leaves', async () => {
    const server = await grpc((stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.write(frame([8, 1]));
    });
    expect(await ask(server.port, {}, { timeoutMs: 300 })).toEqual({
      ok: false,
      evidence: `gRPC health of 127.0.0.1:${server.port}: no answer within 300 ms: it began to answer and did not end it`,
    });
    await vi.waitUntil(() => server.open() === 0, { timeout: 5000 });
  });

  it('is asked over TLS, whoever signed the certificate', async () => {
    const server = await answering(createSecureServer(selfSigned()) as unknown as ReturnType<typeof createServer>, says(frame([8, 1])));
    servers.push(server);
    expect(await ask(server.port, { tls: true })).toMatchObject({ ok: true });
    expect((await ask(server.port)).ok).toBe(false);
    await vi.waitUntil(() => server.open() === 0, { timeout: 5000 });
  });

  it('asks where the agent reaches the port', async () => {
    const server = await grpc(says(frame([8, 1])));
    expect(await ask(50_051, {}, { endpoints: [{ port: 50_051, address: `127.0.0.1:${server.port}` }] })).toMatchObject({ ok: true });
    expect(await askProbe({ kind: 'grpc', options: {} }, asking())).toEqual({ ok: false, evidence: 'the grpc probe: there is no port to ask' });
  });
});

describe('the messages of grpc.health.v1', () => {
  it('are read whatever they hold, or refused with a sentence', () => {
    let state = 7;
    const random = (most: number): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state % most;
    };
    const seen = new Set<string>();
    for (let round = 0; round < 20_000; round++) {
      const message = Array.from({ length: random(8) }, () => (random(3) === 0 ? 8 : random(256)));
      try {
        seen.add(statusIn(frame(message)));
      } catch (error) {
        expect((error as Error).message).toMatch(/^its message is no HealthCheckResponse$|^it answered a status/);
      }
    }
    expect([...seen].sort()).toEqual(['NOT_SERVING', 'SERVICE_UNKNOWN', 'SERVING', 'UNKNOWN']);
    expect(requestFrame('a')).toEqual(Buffer.from([0, 0, 0, 0, 3, 0x0a, 1, 0x61]));
  });
});
