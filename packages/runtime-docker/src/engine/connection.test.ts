import type { Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { callFor, scriptedEngine } from '../fixtures/scripted-engine.ts';
import { Connection } from './connection.ts';

let engine: Awaited<ReturnType<typeof scriptedEngine>> | undefined;
afterEach(() => engine?.end());

const head = (length: number, status = '200 OK'): string => `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error,
  );
const create = (signal: AbortSignal) => ({ method: 'POST', path: '/containers/create', what: 'create it', signal }) as const;
const list = (signal: AbortSignal) => ({ path: '/containers/json', what: 'list them', signal });

test('an engine that dies within its answer is told, the outcome of a change is unknown, that of a read is not', async () => {
  engine = await scriptedEngine((socket: Socket) => {
    socket.write(`${head(100)}{"Id":`);
    setTimeout(() => socket.destroy(), 20);
  });
  const { signal } = callFor(5000);
  expect(await failureOf(engine.connection.json(create(signal)))).toMatchObject({ code: 'engine-down', outcome: 'unknown', retryable: true });
  expect(await failureOf(engine.connection.json(list(signal)))).toMatchObject({ code: 'engine-down', outcome: 'no' });
});

test('an engine that accepts and never answers holds no call beyond its signal', async () => {
  engine = await scriptedEngine(() => {});
  const begun = performance.now();
  expect(await failureOf(engine.connection.json(create(AbortSignal.timeout(100))))).toMatchObject({ code: 'aborted', outcome: 'unknown' });
  expect(await failureOf(engine.connection.json(list(AbortSignal.timeout(100))))).toMatchObject({ code: 'aborted', outcome: 'no' });
  expect(await failureOf(engine.connection.json(create(AbortSignal.abort())))).toMatchObject({ code: 'aborted', outcome: 'no' });
  expect(performance.now() - begun).toBeLessThan(1500);
});

test('an answer that stops half-way holds no call beyond its signal', async () => {
  engine = await scriptedEngine((socket) => void socket.write(`${head(100)}{"Id":`));
  expect(await failureOf(engine.connection.json(create(AbortSignal.timeout(100))))).toMatchObject({ code: 'aborted', outcome: 'unknown' });
});

test('a read on a kept connection that the engine had closed is asked once more, a change is not', async () => {
  let answered = 0;
  engine = await scriptedEngine((socket, request) => {
    answered += 1;
    if (answered === 2) socket.destroy();
    else socket.write(`${head(2)}[]`);
    if (request.startsWith('POST') && answered > 2) socket.destroy();
  });
  const { signal } = callFor(5000);
  expect((await engine.connection.json(list(signal))).value).toEqual([]);
  expect((await engine.connection.json(list(signal))).value).toEqual([]);
  expect(engine.requests).toHaveLength(3);
  engine.requests.length = 0;
  answered = 1;
  expect(await failureOf(engine.connection.json(create(signal)))).toMatchObject({ code: 'engine-down', outcome: 'unknown' });
  expect(engine.requests).toHaveLength(1);
});

test('no engine, and a socket that this user may not use, certainly did nothing', async () => {
  const nobody = new Connection(() => ({ url: 'unix:///nowhere', saidBy: 'the test', socketPath: '/nowhere' }));
  expect(await failureOf(nobody.json(create(callFor(1000).signal)))).toMatchObject({
    code: 'engine-down',
    outcome: 'no',
    message: expect.stringContaining('unix:///nowhere (the test)'),
  });
});

test.each([
  [400, '{"message":"invalid reference format"}', 'invalid', 'no'],
  [404, '{"message":"No such container: x"}', 'not-found', 'no'],
  [409, '{"message":"Conflict. The container name \\"/x\\" is already in use by container \\"y\\"."}', 'conflict', 'no'],
  [500, '{"cause":"that name is already in use","message":"creating container storage: the container name \\"x\\" is already in use by y"}', 'conflict', 'no'],
  [500, '{"message":"Get https://r/v2/: no basic auth credentials"}', 'unauthorized', 'no'],
  [500, '{"message":"driver failed programming external connectivity: Bind for 127.0.0.1:80 failed: port is already allocated"}', 'conflict', 'no'],
  [500, '{"message":"could not select device driver \\"\\" with capabilities: [[gpu]]"}', 'no-resources', 'no'],
  [500, '{"message":"write /x: no space left on device"}', 'no-space', 'no'],
  [500, '{"message":"connection error: desc = containerd.sock"}', 'internal', 'unknown'],
  [503, 'busy', 'internal', 'unknown'],
])('status %i with %s is %s, outcome %s', async (status, body, code, outcome) => {
  engine = await scriptedEngine((socket) => void socket.write(`${head(Buffer.byteLength(body), `${status} X`)}${body}`));
  expect(await failureOf(engine.connection.json(create(callFor(2000).signal)))).toMatchObject({ code, outcome });
});
