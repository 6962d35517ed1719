import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import type { AgentLogger } from '../base/logger.ts';
import { encodeFrame, FrameReader, frameTypes } from './exec-frames.ts';
import { type ScriptedControl, scriptedControl } from './fixtures/control.ts';
import { routes, streams } from './routes.ts';
import { type Api, openApi } from './server.ts';

const errors: string[] = [];
const log: AgentLogger = { debug() {}, info() {}, warn() {}, error: (_, message) => void errors.push(message), close() {}, child: () => log };
let folder: string;
let socket: string;
let control: ScriptedControl;
let api: Api;
const open = () => openApi({ control, socket, uid: process.getuid?.() ?? 0, log, clock: systemClock });
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-api-'));
  socket = join(folder, 'agent.sock');
  control = scriptedControl();
  errors.length = 0;
  api = await open();
});
afterEach(async () => {
  await api.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}
function begin(path: string, { method = 'GET', headers = {}, body }: Asking = {}): ClientRequest {
  const request = httpRequest({ socketPath: socket, path, method, headers });
  request.end(body);
  return request;
}
async function ask(path: string, asking: Asking = {}) {
  const [response] = (await once(begin(path, asking), 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const isJson = response.headers['content-type']?.startsWith('application/json') === true;
  return { status: response.statusCode, text, json: isJson ? JSON.parse(text) : null };
}
const post = (path: string, body: unknown) => ask(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const until = async (isTrue: () => boolean): Promise<void> => {
  for (const end = performance.now() + 10_000; !isTrue(); ) {
    if (performance.now() > end) throw new Error('it did not become true within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

describe('the socket', () => {
  test('is for its user alone, and is taken away at the end', async () => {
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    await api.close();
    expect(existsSync(socket)).toBe(false);
  });
  test('of a live agent is left to it', async () => {
    await expect(open()).rejects.toMatchObject({ code: 'socket-in-use' });
    expect((await ask('/v1/ps')).status).toBe(200);
  });
  test('of a dead agent is taken over', async () => {
    await api.close();
    const dies = `require('node:net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', dies]);
    expect(existsSync(socket)).toBe(true);
    api = await open();
    expect((await ask('/v1/ps')).status).toBe(200);
  });
  test('path that is a file is refused and left', async () => {
    await api.close();
    writeFileSync(socket, 'mine');
    await expect(open()).rejects.toMatchObject({ code: 'socket-in-use' });
    expect(existsSync(socket)).toBe(true);
    rmSync(socket);
    api = await open();
  });
});

describe('a request', () => {
  test('is answered with JSON', async () => {
    expect((await ask('/v1/ps')).json).toEqual({ version: 1, agent: 'a', host: 'h', engines: [], workers: [] });
    expect((await post('/v1/apply', {})).json).toMatchObject({ outcome: 'done' });
    expect(control.asked.at(-1)).toEqual({ allowRemove: false, release: false, waitMs: 120_000 });
    expect((await ask('/v1/events?after=4&limit=2')).json.events).toHaveLength(1);
    expect(control.asked.at(-1)).toEqual({ after: '4', since: null, worker: null, limit: 2 });
  });
  test('for why is answered as a report or as lines', async () => {
    expect((await ask('/v1/workers/web/why')).json).toMatchObject({ worker: 'web' });
    expect((await ask('/v1/workers/web/why', { headers: { accept: 'text/plain' } })).text).toBe('one\ntwo\n');
  });
  test.each<[string, string, Asking, number, string]>([
    ['an unknown worker', '/v1/workers/nope/why', {}, 404, 'worker-unknown'],
    ['what is no name', '/v1/workers/..%2f..%2fetc/why', {}, 404, 'worker-unknown'],
    ['an unknown route', '/v1/nothing', {}, 404, 'usage'],
    ['another method', '/v1/ps', { method: 'POST' }, 405, 'usage'],
    ['an unknown query key', '/v1/events?afer=1', {}, 400, 'usage'],
    ['a body that is no JSON', '/v1/apply', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' }, 400, 'usage'],
    ['an unknown field', '/v1/apply', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"force":1}' }, 400, 'usage'],
    ['another type of body', '/v1/apply', { method: 'POST', headers: { 'content-type': 'text/xml' }, body: '<a/>' }, 415, 'usage'],
    ['a page of a browser', '/v1/ps', { headers: { origin: 'http://evil.example' } }, 403, 'usage'],
  ])('with %s is refused in plain words', async (_, path, asking, status, code) => {
    const answer = await ask(path, asking);
    expect([answer.status, answer.json?.code, typeof answer.json?.message]).toEqual([status, code, 'string']);
  });
  test('that ends in a problem carries it whole', async () => {
    const { status, json } = await post('/v1/plan', {});
    expect([status, json]).toEqual([
      400,
      {
        code: 'host-file-invalid',
        message: 'unknown field `x`',
        exitCode: 2,
        hint: 'Did you mean `y`?',
        place: { file: '/h/ostler.yaml', line: 3, column: 5 },
      },
    ]);
  });
  test('that meets a bug says so without its stack, which is logged', async () => {
    const { status, json } = await post('/v1/workers/web/restart', {});
    expect([status, json]).toEqual([500, { code: 'internal', message: 'a bug of the agent', exitCode: 1 }]);
    expect(errors).toEqual(['a request failed']);
  });
});

describe('a stream', () => {
  test('of logs ends by itself, or with its reader', async () => {
    const { text } = await ask('/v1/workers/web/logs?tail=3');
    expect(text.trim().split('\n')).toHaveLength(3);
    const request = begin('/v1/workers/web/logs?follow=1');
    await once(request, 'response');
    request.destroy();
    await until(() => control.signals.at(-1)!.aborted);
  });
  test('of logs goes at the pace of its reader', async () => {
    const request = begin('/v1/workers/web/logs?follow=1');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.pause();
    let before = -1;
    for (const end = performance.now() + 5000; before !== control.pulled && performance.now() < end; ) {
      before = control.pulled;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(control.pulled).toBe(before);
    expect(control.pulled).toBeLessThan(10_000);
    request.destroy();
  });
  test('of events carries cursors as ids and goes on after the last one', async () => {
    const request = begin('/v1/events', { headers: { accept: 'text/event-stream', 'last-event-id': '1' } });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await until(() => text.includes('id: 3'));
    expect(text.match(/^id: \d+$/gm)).toEqual(['id: 2', 'id: 3']);
    expect(control.asked.at(-1)).toEqual({ after: '1', worker: null });
    request.destroy();
    await until(() => control.signals.at(-1)!.aborted);
  });
});

describe('exec', () => {
  const upgrade = (path: string) =>
    httpRequest({ socketPath: socket, path, method: 'POST', headers: { connection: 'Upgrade', upgrade: 'ostler-exec/1' } }).end();
  test('carries input, output and the exit code', async () => {
    const argv = encodeURIComponent(JSON.stringify(['cat', '-']));
    const [, connection, head] = await once(upgrade(`/v1/workers/web/exec?argv=${argv}&tty=0`), 'upgrade');
    const reader = new FrameReader();
    const frames = [...reader.push(head)];
    connection.on('data', (bytes: Buffer) => frames.push(...reader.push(bytes)));
    connection.write(encodeFrame(frameTypes.stdin, 'hello'));
    connection.write(encodeFrame(frameTypes.stdinEnd, ''));
    await once(connection, 'close');
    expect(frames.map(({ type, payload }) => [type, Buffer.from(payload).toString()])).toEqual([
      [frameTypes.stdout, 'HELLO'],
      [frameTypes.exit, '{"code":7}'],
    ]);
    expect(control.asked).toEqual([[['cat', '-'], { tty: false, user: null }]]);
  });
  test.each([
    ['of an unknown worker', `/v1/workers/nope/exec?argv=${encodeURIComponent('["a"]')}`, 404],
    ['without a command', '/v1/workers/web/exec?argv=[]', 400],
    ['elsewhere', '/v1/ps', 404],
  ])('%s is refused', async (_, path, status) => {
    const [response] = (await once(upgrade(path), 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(status);
    response.resume();
  });
  test('frames come whole, however they are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.uint8Array({ maxLength: 50 })), { maxLength: 10 }),
        fc.integer({ min: 1, max: 7 }),
        (given, size) => {
          const whole = Buffer.concat(given.map(([type, bytes]) => encodeFrame(type as 0, bytes)));
          const reader = new FrameReader();
          const got = [];
          for (let at = 0; at < whole.length; at += size) got.push(...reader.push(whole.subarray(at, at + size)));
          expect(got.map(({ type, payload }) => [type, [...payload]])).toEqual(given.map(([type, bytes]) => [type, [...bytes]]));
        },
      ),
    );
  });
});

test('the OpenAPI document names every route', async () => {
  const { json } = await ask('/v1/openapi.json');
  const named = Object.entries(json.paths as Record<string, object>).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(named.sort()).toEqual([...routes, ...streams].map(({ method, path }) => `${method} ${path.replace(':name', '{name}')}`).sort());
});

test('300 hostile requests are each answered, none with a fault of the agent, and it answers on', { timeout: 60_000 }, async () => {
  const rejections: unknown[] = [];
  const note = (error: unknown): void => void rejections.push(error);
  process.on('unhandledRejection', note);
  const paths = [...routes, ...streams].map(({ path }) => path).filter((path) => !path.endsWith('/restart') && !path.endsWith('/logs'));
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.constantFrom('../../etc/passwd', '__proto__', '%00', "' OR 1=1 --", 'a'.repeat(5000), '\u202e', '-1', '1e309'),
  );
  const request = fc.record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'),
    path: fc.oneof(
      fc.constantFrom(...paths),
      text.map((part) => `/${part}`),
    ),
    name: text,
    query: fc.dictionary(text, text, { maxKeys: 3 }),
    type: fc.constantFrom('application/json', 'text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-16'),
    body: fc.oneof(fc.json(), text, fc.constant('{"__proto__":{"waitMs":0}}'), fc.constant('['.repeat(10_000))),
  });
  try {
    await fc.assert(
      fc.asyncProperty(request, async ({ method, path, name, query, type, body }) => {
        const encoded = (part: string): string => encodeURIComponent(part.toWellFormed());
        const search = Object.entries(query).map(([key, value]) => `${encoded(key)}=${encoded(value)}`);
        const target = `${path.startsWith('/v1') ? path.replace(':name', encoded(name)) : encodeURI(path.toWellFormed()).replaceAll(/[^\x21-\x7e]/g, '')}?${search.join('&')}`;
        const asking = { method, headers: { 'content-type': type }, ...(method === 'GET' ? {} : { body }) };
        // Refused before its body was read: the connection ends under the writer.
        const answer = await ask(target, asking).catch((error: NodeJS.ErrnoException) =>
          ['EPIPE', 'ECONNRESET'].includes(error.code ?? '') ? { status: 400 } : Promise.reject(error),
        );
        expect(answer.status, `${method} ${target} ${body}`).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
    expect((await ask('/v1/ps')).status).toBe(200);
    expect([rejections, errors]).toEqual([[], []]);
  } finally {
    process.off('unhandledRejection', note);
  }
});
