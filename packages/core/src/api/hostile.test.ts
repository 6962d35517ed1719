import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { serve } from './fixtures/served.ts';
import { routes } from './routes.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('../../etc/passwd', '__proto__', 'constructor', '%00', "' OR 1=1 --", 'a'.repeat(5000), '\u202e', '-1', '1e309', 'web'),
);
/** Without those that are scripted to fail, or never to come out. */
const paths = routes.map(({ path }) => path).filter((path) => !/restart$|down$/.test(path));
const request = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE'),
  path: fc.oneof(
    fc.constantFrom(...paths),
    text.map((part) => `/${part}`),
  ),
  name: text,
  query: fc.dictionary(text, text, { maxKeys: 3 }),
  type: fc.constantFrom('application/json', 'text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-16'),
  body: fc.oneof(fc.json(), text, fc.constant('{"__proto__":{"waitMs":0}}'), fc.constant('['.repeat(10_000))),
  isUpgrade: fc.boolean(),
});

/** The whole of what comes back for bytes that are sent as they are, and the connection is ended. */
async function exchange(socket: string, bytes: string | Uint8Array): Promise<string> {
  const connection = connect({ path: socket, allowHalfOpen: true });
  // Refused before all of it was read.
  connection.on('error', () => {});
  const chunks: Buffer[] = [];
  const closed = new Promise((resolve) => connection.once('close', resolve));
  connection.on('data', (chunk) => chunks.push(chunk)).on('end', () => connection.destroy());
  connection.end(bytes);
  await closed;
  return Buffer.concat(chunks).toString();
}

/** Vitest fails a run with an unhandled rejection by itself; here it also names the promise that was broken. */
test('300 hostile requests are each answered, none with a fault of the agent, and it answers on', { timeout: 60_000 }, async () => {
  const served = await serve();
  const encoded = (part: string): string => encodeURIComponent(part.toWellFormed());
  await fc.assert(
    fc.asyncProperty(request, async ({ method, path, name, query, type, body, isUpgrade }) => {
      const search = Object.entries(query).map(([key, value]) => `${encoded(key)}=${encoded(value)}`);
      const target = `${path.startsWith('/v1') ? path.replace(':name', encoded(name)) : encodeURI(path.toWellFormed()).replaceAll(/[^\x21-\x7e]/g, '')}?${search.join('&')}`;
      const upgrade = isUpgrade ? 'Upgrade: ostler-exec/1\r\nConnection: Upgrade' : 'Connection: close';
      const head = `${method} ${target} HTTP/1.1\r\nHost: a\r\n${upgrade}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
      const answer = await exchange(served.socket, head + body);
      expect(answer, head).toMatch(/^HTTP\/1\.1 (101|[234]\d\d) /);
      // An answer to HEAD has no body.
      if (/^HTTP\/1\.1 4/.test(answer) && method !== 'HEAD') {
        const said = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
        expect([typeof said.code, typeof said.message, typeof said.exitCode], answer).toEqual(['string', 'string', 'number']);
      }
    }),
    { numRuns: 300 },
  );
  expect((await served.ask('/v1/ps')).status).toBe(200);
  expect(served.errors).toEqual([]);
  await served.end();
});

test('bytes that are no request leave it answering', { timeout: 60_000 }, async () => {
  const served = await serve();
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 2000 }),
    fc
      .constantFrom('GET', 'GET / HTTP/9.9\r\n\r\n', 'POST /v1/apply HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n')
      .map((part) => Buffer.from(part)),
    fc.constant(Buffer.from(`GET /v1/ps HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`)),
  );
  await fc.assert(
    fc.asyncProperty(bytes, async (sent) => {
      const answer = await exchange(served.socket, sent);
      if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    }),
    { numRuns: 100 },
  );
  expect((await served.ask('/v1/ps')).status).toBe(200);
  expect(served.errors).toEqual([]);
  await served.end();
});
