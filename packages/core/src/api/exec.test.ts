import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ManualClock, manualClock } from '../probe/fixtures/manual-clock.ts';
import { encodeFrame, type Frame, FrameReader, frameTypes } from './exec-frames.ts';
import { type Served, serve, until } from './fixtures/served.ts';

let served: Served;
let clock: ManualClock;
beforeEach(async () => {
  clock = manualClock();
  served = await serve(clock);
});
afterEach(() => served.end());

const upgradeHeaders = { connection: 'Upgrade', upgrade: 'ostler-exec/1' };
const upgrade = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'POST') =>
  httpRequest({ socketPath: served.socket, path, method, headers: { ...upgradeHeaders, ...headers }, agent: false }).end();
const execPath = (argv: readonly string[], more = ''): string => `/v1/workers/web/exec?argv=${encodeURIComponent(JSON.stringify(argv))}${more}`;

interface Session {
  readonly connection: Socket;
  readonly frames: Frame[];
  text(type: number): string;
}
async function begin(path: string): Promise<Session> {
  const [, connection, head] = (await once(upgrade(path), 'upgrade')) as [IncomingMessage, Socket, Buffer];
  const reader = new FrameReader();
  const frames = [...reader.push(head)];
  connection.on('data', (bytes: Buffer) => frames.push(...reader.push(bytes)));
  connection.on('error', () => {});
  const of = (type: number) => frames.filter((frame) => frame.type === type).map(({ payload }) => Buffer.from(payload));
  return { connection, frames, text: (type) => Buffer.concat(of(type)).toString() };
}

test('a session carries input, both outputs, the size of the terminal and the exit code', async () => {
  const { connection, frames, text } = await begin(execPath(['cat', '-'], '&tty=1&user=nobody'));
  connection.write(encodeFrame(frameTypes.resize, '{"columns":80,"rows":24}'));
  connection.write(encodeFrame(frameTypes.stdin, 'hello'));
  await until(() => text(frameTypes.stdout) === 'HELLO');
  connection.write(encodeFrame(frameTypes.stdin, '!'));
  await until(() => text(frameTypes.stderr) === '!');
  connection.write(encodeFrame(frameTypes.stdinEnd));
  await once(connection, 'end');
  expect([frames.at(-1)!.type, text(frameTypes.exit), text(frameTypes.stdout)]).toEqual([frameTypes.exit, '{"code":7}', 'HELLO!']);
  expect([served.control.asked, served.control.sizes]).toEqual([[[['cat', '-'], { tty: true, user: 'nobody' }]], [[80, 24]]]);
});

test('output that is longer than a frame comes whole, at the pace of its reader', async () => {
  const { connection, text } = await begin(execPath(['flood']));
  await until(() => text(frameTypes.stdout).length === 3 * 2 ** 20);
  connection.destroy();
  await until(() => served.control.signals[0]!.aborted);
});

test.each([
  ['goes', (connection: Socket) => connection.destroy()],
  ['only ends its side', (connection: Socket) => connection.end()],
])('a client that %s ends the command, and its connection', async (_, go) => {
  const { connection } = await begin(execPath(['cat']));
  go(connection);
  await until(() => served.control.signals[0]!.aborted);
  await until(() => connection.destroyed);
  expect(served.errors).toEqual([]);
});

test('a client that goes while its input is not taken is missed by a frame that it cannot get', async () => {
  const { connection, text } = await begin(execPath(['flood']));
  await until(() => text(frameTypes.stdout).length === 3 * 2 ** 20);
  const isTaken = connection.write(Buffer.concat([1, 2, 3].map(() => encodeFrame(frameTypes.stdin, Buffer.alloc(2 ** 20)))));
  expect(isTaken).toBe(false);
  // The rest of its input waits: nothing is read any more, the end of the connection neither.
  await until(() => clock.pending() > 0);
  connection.destroy();
  await until(() => {
    void clock.advance(5000);
    return served.control.signals[0]!.aborted;
  });
});

test.each([
  ['too long', Buffer.from([0, 0x7f, 0, 0, 0]), 'is the most'],
  ['of a type that no client sends', encodeFrame(frameTypes.exit, '{}'), 'type 3'],
  ['of a size that is none', encodeFrame(frameTypes.resize, '{"columns":-1}'), 'columns'],
])('a frame %s is told as an error, and ends the command', async (_, bytes, part) => {
  const { connection, text } = await begin(execPath(['cat']));
  connection.write(bytes);
  await once(connection, 'end');
  expect(JSON.parse(text(frameTypes.error))).toMatchObject({ code: 'usage', exitCode: 2, message: expect.stringContaining(part) });
  expect(served.control.signals[0]!.aborted).toBe(true);
});

test('output that breaks is told as an error, not as an end', async () => {
  const { connection, text } = await begin(execPath(['cat']));
  connection.write(encodeFrame(frameTypes.stdin, 'break'));
  await until(() => text(frameTypes.error) !== '');
  expect(JSON.parse(text(frameTypes.error))).toMatchObject({ code: 'internal', message: 'the output broke' });
  expect(text(frameTypes.exit)).toBe('');
  connection.destroy();
});

test('the end of the agent is told, and does not wait for a client that stays', async () => {
  const { connection, text } = await begin(execPath(['flood']));
  await until(() => text(frameTypes.stdout).length === 3 * 2 ** 20);
  const closed = served.api.close();
  await until(() => text(frameTypes.error) !== '');
  expect(JSON.parse(text(frameTypes.error))).toMatchObject({ code: 'no-agent' });
  await clock.advance(500);
  await closed;
  connection.destroy();
});

test.each<[string, () => ReturnType<typeof upgrade>, number, string]>([
  ['of an unknown worker', () => upgrade('/v1/workers/nope/exec?argv=["a"]'), 404, 'worker-unknown'],
  ['of what is no name', () => upgrade('/v1/workers/%zz/exec?argv=["a"]'), 404, 'worker-unknown'],
  ['without a command', () => upgrade('/v1/workers/web/exec?argv=[]'), 400, 'usage'],
  ['with a command twice', () => upgrade('/v1/workers/web/exec?argv=["a"]&argv=["b"]'), 400, 'usage'],
  ['with an unknown key', () => upgrade(execPath(['a'], '&x=1')), 400, 'usage'],
  ['elsewhere', () => upgrade('/v1/ps'), 404, 'usage'],
  ['by another method', () => upgrade(execPath(['a']), {}, 'GET'), 404, 'usage'],
  ['of another protocol', () => upgrade(execPath(['a']), { upgrade: 'websocket' }), 404, 'usage'],
  ['of a page of a browser', () => upgrade(execPath(['a']), { origin: 'http://evil.example' }), 403, 'usage'],
])('an upgrade %s is refused in plain words', async (_, begun, status, code) => {
  const [response] = (await once(begun(), 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  expect([response.statusCode, JSON.parse(text)]).toMatchObject([status, { code }]);
  expect(served.errors).toEqual([]);
});
