import type { Duplex } from 'node:stream';
import { waitFor } from '@ostler/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeFrame, type Frame, frame, readFrames } from '../client/frames.ts';
import { run, start } from '../fixtures/command.ts';
import { type FakeAgent, fakeAgent } from '../fixtures/fake-agent.ts';

let agent: FakeAgent;
beforeEach(async () => {
  agent = await fakeAgent();
});
afterEach(() => agent.stop());

let asked: URL[] = [];
beforeEach(() => {
  asked = [];
});

/** Takes the upgrade and plays the child. */
function child(play: (connection: Duplex, frames: AsyncIterator<Frame>) => Promise<void>): void {
  agent.onUpgrade((connection, request) => {
    asked.push(new URL(request.url ?? '', 'http://agent'));
    connection.on('error', () => {});
    connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ostler-exec/1\r\n\r\n');
    void play(connection, readFrames(connection)).catch(() => connection.destroy());
  });
}
const exit = (connection: Duplex, code: number | 'unknown'): void => void connection.end(encodeFrame(frame.exit, JSON.stringify({ code })));

test('the child’s output and exit code come through, and its arguments reach it as they were typed', async () => {
  child(async (connection) => {
    connection.write(Buffer.concat([encodeFrame(frame.stdout, 'out\n'), encodeFrame(frame.stderr, 'err\n')]));
    exit(connection, 42);
  });
  for (const args of [
    ['web', '--', 'ls', '--json', '-la'],
    ['web', 'ls', '--json', '-la'],
  ])
    expect(await run(['exec', '-u', 'nobody', '--socket', agent.socket, ...args])).toEqual({ code: 42, stdout: 'out\n', stderr: 'err\n' });
  expect(asked.map(({ pathname, searchParams }) => [pathname, ...searchParams.entries()])).toEqual(
    Array(2).fill(['/v1/workers/web/exec', ['argv', '["ls","--json","-la"]'], ['tty', '0'], ['user', 'nobody']]),
  );
});

test('input goes to the child whole, then its end', async () => {
  const input = 'x'.repeat(3_000_000);
  child(async (connection, frames) => {
    let bytes = 0;
    for (let next = await frames.next(); !next.done; next = await frames.next()) {
      if (next.value.type === frame.stdinEnd) break;
      bytes += next.value.payload.length;
    }
    connection.write(encodeFrame(frame.stdout, String(bytes)));
    exit(connection, 0);
  });
  expect(await run(['exec', '--socket', agent.socket, 'web', 'wc'], { input })).toEqual({ code: 0, stdout: '3000000', stderr: '' });
});

test('a child that ends while its input is open ends the command', async () => {
  child(async (connection) => exit(connection, 3));
  const running = start(['exec', '--socket', agent.socket, 'web', 'true'], { input: 'open' });
  expect(await running.ended).toMatchObject({ code: 3 });
});

test('what is not the child’s own end is 125, with its reason', async () => {
  expect((await run(['exec', '--socket', '/nonexistent', 'web', 'ls'])).code).toBe(125);
  const refused = await run(['exec', '--socket', agent.socket, 'web', 'ls']);
  expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining('there is no POST /v1/workers/web/exec') as string });
  const plays: [(connection: Duplex) => void, RegExp][] = [
    [(connection) => exit(connection, 'unknown'), /nobody knows how/],
    [(connection) => void connection.end(encodeFrame(frame.error, JSON.stringify({ code: 'internal', message: 'no such command' }))), /^no such command$/m],
    [(connection) => void connection.destroy(), /the agent went away before the command ended/],
    [(connection) => void connection.end(Buffer.from([1, 0, 0])), /ended within a frame/],
    [(connection) => void connection.write(Buffer.from([1, 255, 255, 255, 255])), /a frame of 4294967295 bytes came/],
    [(connection) => void connection.end(encodeFrame(frame.exit, 'no JSON')), /the agent went away/],
  ];
  let play = plays[0]![0];
  child(async (connection) => play(connection));
  for (const [next, said] of plays) {
    play = next;
    const { code, stderr } = await run(['exec', '--socket', agent.socket, 'web', 'ls']);
    expect(code).toBe(125);
    expect(stderr).toMatch(said);
  }
}, 60_000);

test('Ctrl-C without a terminal ends the command and the connection', async () => {
  let isClosed = false;
  child(async (connection) => {
    connection.once('end', () => {
      isClosed = true;
    });
    connection.write(encodeFrame(frame.stdout, 'on\n'));
    connection.resume();
  });
  const running = start(['exec', '--socket', agent.socket, 'web', 'sleep'], { input: 'open' });
  await waitFor('output', () => running.stdout() === 'on\n');
  running.child.kill('SIGINT');
  await running.ended;
  await waitFor('the connection is closed', () => isClosed);
});
