import { createServer as createHttp, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { Server } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { askProbe } from './ask.ts';
import { asking, type Listening, listening } from './fixtures/asking.ts';
import { selfSigned } from './fixtures/self-signed.ts';
import type { ProbeAnswer } from './prepared.ts';

const servers: Listening[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});
async function serve(on: Parameters<typeof listening>[0]): Promise<Listening> {
  const server = await listening(on);
  servers.push(server);
  return server;
}
const http = (on: RequestListener): Promise<Listening> => serve(createHttp(on));
const raw = (answer: string): Promise<Listening> => serve((socket) => socket.on('data', () => socket.end(answer)));
const get = (options: Readonly<Record<string, unknown>>, given: Parameters<typeof asking>[0] = {}): Promise<ProbeAnswer> =>
  askProbe({ kind: 'http', options: { path: '/', scheme: 'http', status: [[200, 399]], headers: {}, ...options } }, asking(given));

describe('a probe of http', () => {
  it('is good with a status in the range, and says what was asked and answered', async () => {
    const { port } = await http((_, response) => response.end('fine'));
    expect(await get({ port, path: '/health' })).toEqual({ ok: true, evidence: `GET http://127.0.0.1:${port}/health answered 200` });
  });

  it('is not good with another status', async () => {
    const { port } = await http((_, response) => response.writeHead(503).end());
    expect(await get({ port })).toEqual({ ok: false, evidence: `GET http://127.0.0.1:${port}/ answered 503` });
    expect(
      (
        await get({
          port,
          status: [
            [200, 200],
            [500, 599],
          ],
        })
      ).ok,
    ).toBe(true);
    expect(
      (
        await get({
          port,
          status: [
            [200, 200],
            [504, 599],
          ],
        })
      ).ok,
    ).toBe(false);
  });

  it('does not follow a redirect: its status counts', async () => {
    const asked: string[] = [];
    const { port } = await http((request, response) => {
      asked.push(request.url!);
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect((await get({ port })).ok).toBe(true);
    expect(await get({ port, status: [[200, 299]] })).toEqual({
      ok: false,
      evidence: `GET http://127.0.0.1:${port}/ answered 302 (a redirect to /elsewhere, not followed)`,
    });
    expect(asked).toEqual(['/', '/']);
  });

  it('sends the path, its headers and the name of the host, and keeps no connection', async () => {
    let seen: IncomingMessage | undefined;
    const server = await http((request, response) => {
      seen = request;
      response.end();
    });
    await get({ port: server.port, path: '/prüfen?token=s3cret&a=%20', headers: { Host: 'app.example', 'X-Probe': 'yes' } });
    expect(seen?.url).toBe('/pr%C3%BCfen?token=s3cret&a=%20');
    expect(seen?.headers).toMatchObject({ host: 'app.example', 'x-probe': 'yes', connection: 'close' });
    await vi.waitUntil(() => server.open() === 0, { timeout: 5000 });
  });

  it('does not tell the query, which may carry a token', async () => {
    const { port } = await http((_, response) => response.writeHead(401).end());
    expect((await get({ port, path: '/health?token=s3cret' })).evidence).toBe(`GET http://127.0.0.1:${port}/health?… answered 401`);
  });

  it('asks the endpoint that has the port, and `host` in place of it', async () => {
    const { port } = await http((_, response) => response.end());
    const nowhere = [{ port, address: '127.1.2.3' }];
    expect((await get({ port }, { endpoints: nowhere })).evidence).toMatch(/^GET http:\/\/127\.1\.2\.3:/);
    expect((await get({ port }, { endpoints: nowhere })).ok).toBe(false);
    expect((await get({ port, host: '127.0.0.1' }, { endpoints: nowhere })).ok).toBe(true);
    expect((await get({ port }, { endpoints: [{ port, address: '0.0.0.0' }] })).evidence).toMatch(/^GET http:\/\/127\.0\.0\.1:/);
    expect((await get({ port: 1 }, { endpoints: [{ port: 1, address: '::' }] })).evidence).toMatch(/^GET http:\/\/\[::1\]:1\//);
  });

  it('finds a text in the body, in two pieces too', async () => {
    const { port } = await http((_, response) => {
      response.write('status: rea');
      setImmediate(() => response.end('dy!'));
    });
    expect((await get({ port, body: 'ready' })).ok).toBe(true);
    expect(await get({ port, body: 'up' })).toEqual({ ok: false, evidence: `GET http://127.0.0.1:${port}/ answered 200, but "up" is not in its body` });
  });

  it('looks at no more than 64 KiB of a body', async () => {
    const { port } = await http((_, response) => response.end(`${'x'.repeat(64 * 1024)}ready`));
    expect((await get({ port, body: 'ready' })).evidence).toMatch(/"ready" is not in the first 64 KiB of its body$/);
    const edge = await http((_, response) => response.end(`${'x'.repeat(64 * 1024 - 5)}readyyyy`));
    expect((await get({ port: edge.port, body: 'ready' })).ok).toBe(true);
  });

  it('takes the status for an answer when the body never ends, and leaves', async () => {
    const server = await http((_, response) => {
      const timer = setInterval(() => response.write('x'.repeat(1000)), 1);
      response.on('close', () => clearInterval(timer));
    });
    expect((await get({ port: server.port })).ok).toBe(true);
    await vi.waitUntil(() => server.open() === 0, { timeout: 5000 });
  });

  it('ends at its time when nothing is answered, and leaves', async () => {
    const server = await serve(() => {});
    const beganMs = performance.now();
    expect(await get({ port: server.port }, { timeoutMs: 100 })).toEqual({
      ok: false,
      evidence: `GET http://127.0.0.1:${server.port}/: no answer within 100 ms: it accepted the connection and sent nothing`,
    });
    expect(performance.now() - beganMs).toBeLessThan(1500);
    await vi.waitUntil(() => server.open() === 0, { timeout: 5000 });
  });

  it('ends at its time when the text that is looked for does not come', async () => {
    const { port } = await http((_, response) => response.write('not yet'));
    expect((await get({ port, body: 'ready' }, { timeoutMs: 100 })).evidence).toMatch(
      /no answer within 100 ms: it answered 200, and its body stops after 7 bytes$/,
    );
  });

  it.each([
    ['a closed connection', '', /the connection was closed without an answer$/],
    ['what is not HTTP', 'SSH-2.0-OpenSSH_9.7\r\n', /it answered something that is not HTTP$/],
    ['half an answer', 'HTTP/1.1 200 OK\r\nContent-', /the connection was closed in the midst of its headers$/],
    ['endless headers', `HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(10_000)}\r\n`, /its headers are longer than 16 KiB$/],
    ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n', /answered 101$/],
  ])('says what it got in place of an answer: %s', async (_, answer, evidence) => {
    const { port } = await raw(answer);
    const found = await get({ port });
    expect(found.ok).toBe(false);
    expect(found.evidence).toMatch(evidence);
  });

  it('says that nothing listens', async () => {
    const server = await listening(() => {});
    await server.close();
    expect(await get({ port: server.port })).toEqual({ ok: false, evidence: `GET http://127.0.0.1:${server.port}/: connection refused` });
  });

  it('takes any certificate with https, and says when no TLS is spoken', async () => {
    const { port } = await serve(createHttps(selfSigned(), (_, response) => response.end('ready')) as Server);
    expect(await get({ port, scheme: 'https', body: 'ready' })).toEqual({ ok: true, evidence: `GET https://127.0.0.1:${port}/ answered 200` });
    const plain = await http((_, response) => response.end());
    expect((await get({ port: plain.port, scheme: 'https' })).evidence).toMatch(/TLS/);
    expect((await get({ port })).ok).toBe(false);
  });

  it('says why it cannot be asked at all', async () => {
    expect(await get({})).toEqual({ ok: false, evidence: 'the http probe: there is no port to ask' });
    const found = await get({ port: 1, headers: { 'X-A': 'a\r\nb' } });
    expect(found.ok).toBe(false);
    expect(found.evidence).toMatch(/header/i);
  });
});
