import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { callFor, scriptedEngine } from '../fixtures/scripted-engine.ts';
import { FileHashes } from './file-hashes.ts';
import { readRecipe } from './recipe.ts';
import { LeftImage, runBuild } from './run.ts';

// Answers that no engine here can be made to give.
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ostler-run-'));
  writeFileSync(join(dir, 'Dockerfile'), 'FROM scratch\n');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const call = callFor(10_000);
const short = (status: string, body = '{}'): string => `HTTP/1.1 ${status}\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`;

async function built(answer: string, isBuildKit = true) {
  const engine = await scriptedEngine((socket, request) => {
    if (request.startsWith('POST /session')) socket.write(short('403 Forbidden', '{"message":"the proxy forbids it"}'));
    else if (request.startsWith('GET /networks')) socket.write(short('200 OK'));
    else if (request.startsWith('POST /build')) socket.end(answer);
  });
  try {
    const recipe = await readRecipe('app', { context: dir, dockerfile: null, target: null, args: {}, from: null }, new FileHashes(), call);
    const left = new LeftImage();
    const given = { engine: engine.connection, flavour: 'docker', isBuildKit, recipe, tag: 'localhost/ostler/app:1', labels: {}, base: null } as const;
    const failure: unknown = await runBuild(given, left, call).then(
      () => null,
      (error: unknown) => error,
    );
    return { failure, left: left.id, asked: engine.requests.find((one) => one.startsWith('POST /build')) ?? '' };
  } finally {
    await engine.end();
  }
}

const streamed = (...entries: readonly object[]): string =>
  `HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${entries.map((entry) => JSON.stringify(entry)).join('\n')}\n`;

test('where a proxy forbids sessions it is built without one', async () => {
  const { failure, asked } = await built(streamed({ id: 'moby.image.id', aux: { ID: 'sha256:1' } }));
  expect(failure).toBeNull();
  expect(asked).toContain('version=2');
  expect(asked).not.toContain('session=');
});

test('the classic builder’s last step is what a failure leaves; the failure has the end of what was printed', async () => {
  const printed = Array.from({ length: 60 }, (_, i) => ({ stream: `line ${String(i)}\n` }));
  const steps = [{ stream: ' ---> 0123456789ab\n' }, { stream: 'Step 2/2 : RUN false\n' }, { stream: ' ---> Running in abcdefabcdef\n' }];
  const { failure, left, asked } = await built(streamed(...printed, ...steps, { errorDetail: { message: 'The command returned a non-zero code: 1' } }), false);
  expect(failure).toMatchObject({ code: 'build-failed', outcome: 'no', message: 'the build of the image app failed: The command returned a non-zero code: 1' });
  const lines = (failure as { cause: string }).cause.split('\n');
  expect(lines).toHaveLength(20);
  expect([lines[0], lines.at(-2)]).toEqual(['line 43', 'Step 2/2 : RUN false']);
  expect([left, asked.includes('version=')]).toEqual(['0123456789ab', false]);
});

test.each([
  ['a full disk', streamed({ error: 'write /x: no space left on device' }), { code: 'no-space' }],
  [
    'a command that speaks of one',
    streamed({ error: 'process "/bin/sh -c echo no space left on device" did not complete successfully: exit code: 1' }),
    { code: 'build-failed' },
  ],
  [
    'an answer that is none',
    short('500 Internal Server Error', '{"message":"dockerfile parse error on line 1"}'),
    { code: 'build-failed', message: /parse error/ },
  ],
  ['a connection that breaks within', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":', { code: 'engine-down', outcome: 'no' }],
])('%s is told as what it is', async (_, answer, { message, ...expected }: { code: string; outcome?: string; message?: RegExp }) => {
  const { failure } = await built(answer);
  expect(failure).toMatchObject({ ...expected, ...(message === undefined ? {} : { message: expect.stringMatching(message) }) });
});
