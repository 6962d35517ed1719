import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Asking, type Served, serve, until } from './fixtures/served.ts';
import { routes } from './routes.ts';

let served: Served;
beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.end());

const json = { 'content-type': 'application/json' };
const webPath = (path: string): string => path.replace(':name', 'web');

describe('a request', () => {
  test.each([
    ['/v1/ps', { version: 1, workers: [] }],
    ['/v1/stats', { version: 1, workers: [] }],
    ['/v1/agent', { version: 1, release: '1.0.0' }],
    ['/v1/runtimes', { version: 1, runtimes: [] }],
    ['/v1/plugins', { version: 1, plugins: [] }],
    ['/v1/doctor', { version: 1, findings: [] }],
    ['/v1/events', { version: 1, events: [{ cursor: '1' }] }],
    ['/v1/workers/web/why', { version: 1, worker: 'web' }],
  ])('to read %s is answered with its document', async (path, document) => {
    expect(await served.ask(path)).toMatchObject({ status: 200, json: document });
  });
  test.each([
    ['/v1/apply', {}, { outcome: 'done' }, { allowRemove: false, release: false, waitMs: 120_000 }],
    ['/v1/workers/web/start', { waitMs: 5 }, { outcome: 'done' }, ['start', 'web', 5]],
    ['/v1/workers/web/stop', {}, { outcome: 'done' }, ['stop', 'web', 120_000]],
    ['/v1/workers/web/run', { waitMs: 5 }, { isOver: false }, ['run', 'web', 5]],
    ['/v1/workers/web/cancel', {}, { isOver: false }, ['cancelRun', 'web', null, 120_000]],
    ['/v1/workers/web/cancel', { run: 3 }, { isOver: false }, ['cancelRun', 'web', 3, 120_000]],
    ['/v1/workers/web/kill', {}, { done: true }, ['web', 'SIGTERM']],
    ['/v1/reload', {}, { done: true }, 'reload'],
  ])('to %s reaches the agent, what was left out filled in', async (path, body, answer, asked) => {
    expect(await served.post(path, body)).toMatchObject({ status: 200, json: answer });
    expect(served.control.asked.at(-1)).toEqual(asked);
  });
  test('without any body counts as an empty one', async () => {
    expect((await served.ask('/v1/apply', { method: 'POST' })).json).toMatchObject({ outcome: 'done' });
    expect((await served.ask('/v1/apply', { method: 'POST', headers: json })).json).toMatchObject({ outcome: 'done' });
  });
  test('for events passes its bounds on', async () => {
    await served.ask('/v1/events?after=4&limit=2&worker=web&since=2030-01-01T00:00:00Z');
    expect(served.control.asked.at(-1)).toEqual({ after: '4', since: '2030-01-01T00:00:00Z', worker: 'web', limit: 2 });
  });
  test('for a run passes on which, after which instance, and how long it waits', async () => {
    expect((await served.ask('/v1/workers/web/run?run=3&after=i1&wait=7')).json).toMatchObject({ worker: 'web', instance: 'i' });
    expect(served.control.asked.at(-1)).toEqual(['awaitRun', 'web', 3, 'i1', 7]);
  });
  test('for why is answered as lines where they are asked for', async () => {
    expect((await served.ask('/v1/workers/web/why', { headers: { accept: 'text/plain' } })).text).toBe('one\ntwo\n');
    expect((await served.ask('/v1/workers/web/why?format=text')).text).toBe('one\ntwo\n');
    expect((await served.ask('/v1/workers/web/why?format=json', { headers: { accept: 'text/plain' } })).json).toMatchObject({ worker: 'web' });
  });

  const post = (body: string, headers: Readonly<Record<string, string>> = json): Asking => ({ method: 'POST', headers, body });
  test.each<[string, string, Asking, number, string, string]>([
    ['an unknown worker', '/v1/workers/nope/why', {}, 404, 'worker-unknown', 'nope'],
    ['what is no name', '/v1/workers/..%2f..%2fetc/why', {}, 404, 'worker-unknown', '../../etc'],
    ['a long name', `/v1/workers/${'a'.repeat(300)}/why`, {}, 404, 'worker-unknown', 'no name of a worker'],
    ['a path that is no URL', '/v1/workers/%zz/why', {}, 400, 'usage', '%zz'],
    ['an unknown route', '/v1/nothing', {}, 404, 'usage', '/v1/nothing'],
    ['another method', '/v1/ps', post('{}'), 405, 'usage', 'POST /v1/ps'],
    ['another method for a worker', '/v1/workers/web/stop', {}, 405, 'usage', 'GET /v1/workers/web/stop'],
    ['an unknown query key', '/v1/events?afer=1', {}, 400, 'usage', 'afer'],
    ['an unknown query key for why', '/v1/workers/web/why?x=1', {}, 400, 'usage', 'x'],
    ['a query key twice', '/v1/events?after=1&after=2', {}, 400, 'usage', 'after'],
    ['a time that is none', '/v1/workers/web/logs?since=yesterday', {}, 400, 'usage', 'since'],
    ['a body that is no JSON', '/v1/apply', post('{'), 400, 'usage', 'no JSON'],
    ['a body that is null', '/v1/apply', post('null'), 400, 'usage', 'body'],
    ['an unknown field', '/v1/apply', post('{"force":1}'), 400, 'usage', 'force'],
    ['a field of another type', '/v1/apply', post('{"waitMs":"1"}'), 400, 'usage', 'waitMs'],
    ['a body where none is taken', '/v1/reload', post('{"a":1}'), 400, 'usage', 'a'],
    ['a body that is too long', '/v1/apply', post(`"${'x'.repeat(1024 * 1024)}"`), 413, 'usage', 'large'],
    ['another type of body', '/v1/apply', post('<a/>', { 'content-type': 'text/xml' }), 415, 'usage', 'text/xml'],
    ['plain text as body', '/v1/apply', post('{}', { 'content-type': 'text/plain' }), 415, 'usage', 'text/plain'],
    ['a page of a browser', '/v1/ps', { headers: { origin: 'http://evil.example' } }, 403, 'usage', 'web pages'],
    ['exec without an upgrade', '/v1/workers/web/exec?argv=["ls"]', post('{}'), 426, 'usage', 'ostler-exec/1'],
  ])('with %s is refused in plain words', async (_, path, asking, status, code, part) => {
    const answer = await served.ask(path, asking);
    expect([answer.status, answer.json]).toEqual([
      status,
      { ...answer.json, code, message: expect.stringContaining(part), exitCode: code === 'usage' ? 2 : 1 },
    ]);
  });
  test('with another method says which ones there are', async () => {
    expect((await served.ask('/v1/workers/web/stop', { method: 'DELETE' })).headers.allow).toBe('POST');
  });
  test('that is no HTTP is refused as all others are', async () => {
    const connection = connect(served.socket);
    connection.end('what\r\n\r\n');
    let text = '';
    for await (const chunk of connection) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(JSON.parse(text.split('\r\n\r\n')[1]!)).toMatchObject({ code: 'usage', exitCode: 2 });
  });

  test('that ends in a problem carries it whole', async () => {
    const { status, json: body } = await served.post('/v1/plan', {});
    const place = { file: '/h/ostler.yaml', line: 3, column: 5 };
    expect([status, body]).toEqual([400, { code: 'host-file-invalid', message: 'unknown field `x`', exitCode: 2, hint: 'Did you mean `y`?', place }]);
  });
  test('that a runtime fails is told with its code', async () => {
    const { status, json: body } = await served.post('/v1/workers/web/kill', { signal: 'SIGNONE' });
    expect([status, body]).toEqual([502, { code: 'not-running', message: 'web is not running', exitCode: 1 }]);
  });
  test('that meets a bug says so without its stack, which is logged', async () => {
    const { status, json: body } = await served.post('/v1/workers/web/restart', {});
    expect([status, body]).toEqual([500, { code: 'internal', message: 'a bug of the agent', exitCode: 1 }]);
    expect(served.errors).toEqual(['a request failed']);
  });
});

describe('who waits for a change', () => {
  const down: Asking = { method: 'POST', headers: json, body: '{}' };
  test('and goes, calls only the waiting off, which is no fault', async () => {
    const request = served.begin('/v1/down', down).on('error', () => {});
    await until(() => served.control.signals.length === 1);
    request.destroy();
    await until(() => served.control.signals[0]!.aborted);
    expect((await served.ask('/v1/ps')).status).toBe(200);
    expect(served.errors).toEqual([]);
  });
  test('is told when the agent ends first', async () => {
    const answer = served.ask('/v1/down', down);
    await until(() => served.control.signals.length === 1);
    await served.api.close();
    expect(await answer).toMatchObject({ status: 503, json: { code: 'no-agent', exitCode: 3 } });
    expect(served.errors).toEqual([]);
  });
});

test('the OpenAPI document names every route, its parameters and its answers', async () => {
  const { json: document } = await served.ask('/v1/openapi.json');
  expect(document).toMatchObject({ openapi: '3.1.0', info: { version: '1.0.0' } });
  const operations = Object.entries(document.paths as Record<string, Record<string, { parameters?: { name: string }[]; responses: object }>>).flatMap(
    ([path, of]) => Object.entries(of).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
  );
  expect(operations.map(({ name }) => name).sort()).toEqual(routes.map(({ method, path }) => `${method} ${path.replace(':name', '{name}')}`).sort());
  const logs = operations.find(({ name }) => name.endsWith('/logs'))!.operation;
  expect(logs.parameters!.map(({ name }) => name).sort()).toEqual(['follow', 'instance', 'name', 'since', 'tail']);
  expect(logs.responses).toMatchObject({ 200: { content: { 'application/x-ndjson': {} } }, default: {} });
});

test('every route of the table is served', async () => {
  for (const { method, path } of routes) {
    const request = served.begin(webPath(path), { method, ...(method === 'POST' ? { headers: json, body: '{}' } : {}) }).on('error', () => {});
    if (path === '/v1/down') await until(() => served.control.signals.length > 0);
    else {
      const [response] = await once(request, 'response');
      expect([404, 405], path).not.toContain(response.statusCode);
    }
    request.destroy();
  }
});
