import { createServer as createHttp, type RequestListener } from 'node:http';
import { createSecureServer } from 'node:http2';
import { createServer as createHttps } from 'node:https';
import type { Server, Socket } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { StuckCalls } from '../base/stuck-calls.ts';
import { askProbe } from './ask.ts';
import { asking, listening } from './fixtures/asking.ts';
import { countedClock } from './fixtures/counted-clock.ts';
import { selfSigned } from './fixtures/self-signed.ts';
// Loaded before the clock runs.
import './grpc-check.ts';

/** What a server does with each connection, or a server; `null` = nothing listens. */
type Serving = ((socket: Socket) => void) | Server | null;

interface Case {
  readonly server: () => Serving;
  readonly kind?: 'http' | 'tcp' | 'grpc';
  readonly options?: Readonly<Record<string, unknown>>;
  readonly timeoutMs?: number;
  readonly ok: boolean;
  /** `HERE` = its address and port. */
  readonly evidence: string | RegExp;
}

const http = (on: RequestListener) => () => createHttp(on);
const https = (on: RequestListener, dates?: Parameters<typeof selfSigned>[0]) => () => createHttps(selfSigned(dates), on) as Server;
/** Answers the first bytes of a connection. */
const onData = (answer: (socket: Socket) => void) => () => (socket: Socket) => void socket.once('data', () => answer(socket));
const bytes = (text: string | Buffer) => onData((socket) => socket.end(text));
/** Sends again and again until the connection ends. */
const again = (everyMs: number, send: (socket: Socket, n: number) => void) =>
  onData((socket) => {
    let n = 0;
    const timer = setInterval(() => send(socket, n++), everyMs);
    socket.on('close', () => clearInterval(timer));
  });
const half = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello';
const silent = () => () => {};

const cases: Readonly<Record<string, Case>> = {
  'accepts and never answers': {
    server: silent,
    ok: false,
    evidence: 'GET http://HERE/: no answer within 200 ms: it accepted the connection and sent nothing',
  },
  'answers after its time': {
    server: http((_, response) => {
      const timer = setTimeout(() => response.end('late'), 400);
      response.on('close', () => clearTimeout(timer));
    }),
    ok: false,
    evidence: 'GET http://HERE/: no answer within 200 ms: it accepted the connection and sent nothing',
  },
  'sends half a body and stalls': {
    server: onData((socket) => socket.write(half)),
    options: { body: 'ready' },
    ok: false,
    evidence: 'GET http://HERE/: no answer within 200 ms: it answered 200, and its body stops after 5 of 100 bytes',
  },
  'sends half a body that nobody needs and stalls': { server: onData((socket) => socket.write(half)), ok: true, evidence: 'GET http://HERE/ answered 200' },
  'sends half a body and closes': { server: bytes(half), ok: false, evidence: 'GET http://HERE/ answered 200, but its body broke off after 5 of 100 bytes' },
  'sends half a body and closes, where a text is looked for': {
    server: bytes(half),
    options: { body: 'ready' },
    ok: false,
    evidence: 'GET http://HERE/ answered 200, but its body broke off after 5 of 100 bytes',
  },
  'sends half of its chunks and closes': {
    server: bytes('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhello'),
    ok: false,
    evidence: 'GET http://HERE/ answered 200, but its body broke off after 5 bytes',
  },
  'sends half of its headers and closes': {
    server: bytes('HTTP/1.1 200 OK\r\nConte'),
    ok: false,
    evidence: 'GET http://HERE/: the connection was closed in the midst of its headers',
  },
  'says 200 with the wrong body': {
    server: http((_, response) => response.end('starting')),
    options: { body: 'ready' },
    ok: false,
    evidence: 'GET http://HERE/ answered 200, but "ready" is not in its body',
  },
  'compresses its body unasked': {
    server: http((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('\u001f\u008b')),
    options: { body: 'ready' },
    ok: false,
    evidence: 'GET http://HERE/ answered 200, but "ready" is not in its body, which is compressed (gzip) though that was not asked for',
  },
  'redirects to itself': {
    server: http((_, response) => response.writeHead(302, { location: 'http://u:p@127.0.0.1/?token=s3cret' }).end()),
    options: { status: [[200, 299]] },
    ok: false,
    evidence: 'GET http://HERE/ answered 302 (a redirect to http://127.0.0.1/?…, not followed)',
  },
  'has a certificate that has expired': {
    server: https((_, response) => response.end(), { until: '210101' }),
    options: { scheme: 'https' },
    ok: false,
    evidence: 'GET https://HERE/: its certificate expired on 2021-01-01',
  },
  'has a certificate of the future': {
    server: https((_, response) => response.end(), { from: '480101' }),
    options: { scheme: 'https' },
    ok: false,
    evidence: 'GET https://HERE/: its certificate is not valid before 2048-01-01',
  },
  'has a certificate for another name than the one that was given': {
    server: https((_, response) => response.end()),
    options: { scheme: 'https', headers: { Host: 'app.example:8443' } },
    ok: false,
    evidence: 'GET https://HERE/: its certificate is not for app.example, but for localhost',
  },
  'has a certificate, where an address is named': {
    server: https((_, response) => response.end()),
    options: { scheme: 'https', headers: { host: '[::1]:8443' } },
    ok: true,
    evidence: 'GET https://HERE/ answered 200',
  },
  'has a certificate that it has signed itself': {
    server: https((_, response) => response.end()),
    options: { scheme: 'https' },
    ok: true,
    evidence: 'GET https://HERE/ answered 200',
  },
  'does not finish the TLS handshake': {
    server: silent,
    options: { scheme: 'https' },
    ok: false,
    evidence: 'GET https://HERE/: no answer within 200 ms: it accepted the connection and does not finish the TLS handshake',
  },
  'speaks no TLS': {
    server: http((_, response) => response.end()),
    options: { scheme: 'https' },
    ok: false,
    evidence: /^GET https:\/\/HERE\/: it does not speak TLS/,
  },
  'speaks TLS where HTTP is asked': {
    server: https((_, response) => response.end()),
    ok: false,
    evidence: /^GET http:\/\/HERE\/: (it reset the connection|the connection was closed|it answered something that is not HTTP)/,
  },
  'resets the connection': { server: onData((socket) => socket.resetAndDestroy()), ok: false, evidence: 'GET http://HERE/: it reset the connection' },
  'closes the connection': { server: bytes(''), ok: false, evidence: 'GET http://HERE/: the connection was closed without an answer' },
  'refuses the connection': { server: () => null, ok: false, evidence: 'GET http://HERE/: connection refused' },
  'sends its headers byte by byte': {
    server: again(100, (socket, n) => socket.write('HTTP/1.1 200 OK\r\n\r\n'[n] ?? '')),
    timeoutMs: 450,
    ok: false,
    evidence: /^GET http:\/\/HERE\/: no answer within 450 ms: it sent [1-5] bytes, but no whole headers$/,
  },
  'sends its body byte by byte': {
    server: again(100, (socket, n) => socket.write(n === 0 ? 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n' : 'x')),
    options: { body: 'ready' },
    timeoutMs: 450,
    ok: false,
    evidence: /^GET http:\/\/HERE\/: no answer within 450 ms: it answered 200, and its body stops after [1-4] of 1000 bytes$/,
  },
  'says that it goes on, without end': {
    server: again(5, (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n')),
    ok: false,
    evidence: /no answer within 200 ms: it sent \d+ bytes, but no whole headers$/,
  },
  'switches to another protocol': {
    server: bytes('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    ok: false,
    evidence: 'GET http://HERE/ answered 101',
  },
  'sends 10 MB of headers': {
    server: bytes(`HTTP/1.1 200 OK\r\n${`X-A: ${'b'.repeat(1000)}\r\n`.repeat(10_000)}\r\n`),
    ok: false,
    evidence: 'GET http://HERE/: its headers are longer than 16 KiB',
  },
  'sends one header of 10 MB': {
    server: bytes(`HTTP/1.1 200 OK\r\nX-A: ${'b'.repeat(10 ** 7)}`),
    ok: false,
    evidence: 'GET http://HERE/: its headers are longer than 16 KiB',
  },
  'sends 10 MB of a body': {
    server: http((_, response) => response.end(`${'x'.repeat(10 ** 7)}ready`)),
    options: { body: 'ready' },
    timeoutMs: 5000,
    ok: false,
    evidence: 'GET http://HERE/ answered 200, but "ready" is not in the first 64 KiB of its body',
  },
  'sends garbage': {
    server: bytes(Buffer.from([0, 255, 13, 10, 13, 10, 7, 7])),
    ok: false,
    evidence: 'GET http://HERE/: it answered something that is not HTTP',
  },
  'speaks another protocol': {
    server: () => (socket) => void socket.end('SSH-2.0-OpenSSH_9.7\r\n'),
    ok: false,
    evidence: 'GET http://HERE/: it answered something that is not HTTP',
  },

  'refuses a connection of TCP': { kind: 'tcp', server: () => null, ok: false, evidence: 'HERE: connection refused' },
  'accepts a connection of TCP and says nothing': { kind: 'tcp', server: silent, ok: true, evidence: 'HERE accepts connections' },

  'accepts gRPC and never answers': {
    kind: 'grpc',
    server: silent,
    ok: false,
    evidence: 'gRPC health of HERE: no answer within 200 ms: it accepted the connection and sent nothing',
  },
  'refuses gRPC': { kind: 'grpc', server: () => null, ok: false, evidence: 'gRPC health of HERE: connection refused' },
  'resets gRPC': { kind: 'grpc', server: onData((socket) => socket.resetAndDestroy()), ok: false, evidence: 'gRPC health of HERE: it reset the connection' },
  'closes gRPC': { kind: 'grpc', server: bytes(''), ok: false, evidence: 'gRPC health of HERE: the connection was closed without an answer' },
  'speaks HTTP/1 where gRPC is asked': {
    kind: 'grpc',
    server: http((_, response) => response.end('x'.repeat(1000))),
    ok: false,
    evidence: /^gRPC health of HERE: (it does not speak HTTP\/2 as gRPC does|the connection was closed without an answer)/,
  },
  'sends garbage where gRPC is asked': {
    kind: 'grpc',
    server: bytes('x'.repeat(10 ** 6)),
    ok: false,
    evidence: /^gRPC health of HERE: (it does not speak HTTP\/2 as gRPC does|it reset the connection)/,
  },
  'has a certificate that has expired, for gRPC': {
    kind: 'grpc',
    server: () => createSecureServer(selfSigned({ until: '210101' })),
    options: { tls: true },
    ok: false,
    evidence: 'gRPC health of HERE: its certificate expired on 2021-01-01',
  },
  'offers TLS without HTTP/2': {
    kind: 'grpc',
    server: https((_, response) => response.end()),
    options: { tls: true },
    ok: false,
    evidence: /^gRPC health of HERE: (it does not offer HTTP\/2|it does not speak TLS, or none that is understood)$/,
  },
};

/** Connections of this process. */
const held = (): number => process.getActiveResourcesInfo().filter((one) => /TCP|TLS|HTTP2/i.test(one)).length;

describe('a server that', () => {
  it.each(Object.entries(cases))('%s is judged rightly and in time, with the cause, and nothing is left behind', async (_, given) => {
    const { kind = 'http', options = {}, ok, evidence } = given;
    const timeoutMs = given.timeoutMs ?? (/no answer within/.test(String(evidence)) ? 200 : 5000);
    const before = held();
    const clock = countedClock();
    const stuck = new StuckCalls();
    const on = given.server();
    const server = await listening(on ?? (() => {}));
    if (on === null) await server.close();
    const beganMs = performance.now();
    const answer = await askProbe({ kind, options: { port: server.port, ...options } }, asking({ clock, stuck, timeoutMs }));
    const tookMs = performance.now() - beganMs;
    const told = answer.evidence.replaceAll(`127.0.0.1:${server.port}`, 'HERE');
    expect({ ok: answer.ok, told }).toEqual({ ok, told: typeof evidence === 'string' ? evidence : expect.stringMatching(evidence) });
    expect(tookMs).toBeLessThan(timeoutMs + 1500);
    await vi.waitUntil(() => server.open() === 0, { timeout: 5000 });
    await vi.waitUntil(() => clock.pending() === 0, { timeout: 5000 });
    expect(stuck.list()).toEqual([]);
    if (on !== null) await server.close();
    await vi.waitUntil(() => held() <= before, { timeout: 5000 });
  });
});
