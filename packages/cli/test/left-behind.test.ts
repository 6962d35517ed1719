import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestAgent, type TestAgent, waitFor } from '@ostler/testkit';
import { afterEach, expect, test } from 'vitest';
import { sleepers, someSeconds } from '../../process/src/driver/fixtures/sleepers.ts';
import { run, start } from '../src/fixtures/command.ts';

let agent: TestAgent | undefined;
afterEach(async () => {
  await agent?.request('POST', '/v1/down', { waitMs: 30_000 });
  await agent?.stop();
  agent = undefined;
}, 60_000);

interface Row {
  readonly state: string;
  readonly restarts: number;
}
const row = async (name: string): Promise<Row> => ((await agent!.ps()) as { workers: (Row & { name: string })[] }).workers.find((one) => one.name === name)!;
const why = async (name: string): Promise<string> => JSON.stringify((await agent!.request('GET', `/v1/workers/${name}/why`)).body);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

/** As pre-forking servers do: the child serves at the port that the first process has opened, and names that one. */
const forking = `import { fork } from 'node:child_process';
import { createServer } from 'node:http';
const port = Number(process.argv[2]);
if (process.argv[3] === 'child') process.once('message', (_, socket) => createServer((_, answer) => answer.end(process.argv[4])).listen(socket));
else {
  const { createServer: listen } = await import('node:net');
  const server = listen().listen(port, '127.0.0.1', () => {
    const child = fork(process.argv[1], [String(port), 'child', String(process.pid)], { detached: true });
    child.send('serve', server, () => {
      server.close();
      child.disconnect();
    });
    setInterval(() => {}, 60_000);
  });
}
`;

test('a pre-forking server whose first process is killed serves again, although its child held the port', { timeout: 90_000 }, async () => {
  const port = await freePort();
  agent = await startTestAgent({
    hostFile: {
      ostler: 1,
      host: 'test',
      workers: { web: { runtime: 'native', command: [process.execPath, './forking.mjs', String(port)], restart: { backoff: { first: '50ms', min: '50ms' } } } },
    },
    files: { 'forking.mjs': forking },
  });
  const whoServes = async () => Number(await (await fetch(`http://127.0.0.1:${port}`, { signal: AbortSignal.timeout(2000) }).catch(() => null))?.text());
  await waitFor('it serves', async () => (await whoServes()) > 0);
  const killed = await whoServes();
  process.kill(killed, 'SIGKILL');
  await waitFor('it serves again', async () => {
    const server = await whoServes();
    return server > 0 && server !== killed;
  });
  expect((await row('web')).restarts).toBe(1);
  expect(await why('web')).toMatch(/What it left running is ended: pid \d+ /);
});

/** A process of its own session that no SIGTERM ends. */
const stubborn = (seconds: number) => `setsid sh -c 'trap "" TERM; exec sleep ${seconds}' >/dev/null 2>&1 & sleep 0.5; exit 1`;

const withStubborn = (seconds: number) => ({
  ostler: 1,
  host: 'test',
  workers: { left: { runtime: 'native', shell: stubborn(seconds), restart: 'never', stop: { grace: '3s' } } },
});

test.each([
  ['a worker', '/v1/workers/left/stop'],
  ['everything', '/v1/down'],
])('%s is stopped when what it left running has ended too', { timeout: 60_000 }, async (_, path) => {
  const seconds = someSeconds();
  agent = await startTestAgent({ hostFile: withStubborn(seconds) });
  await waitFor('it has ended', async () => (await row('left')).state === 'failed');
  expect(sleepers(seconds)).toHaveLength(1);
  await agent.request('POST', path, { waitMs: 30_000 });
  expect(sleepers(seconds)).toEqual([]);
});

test('Ctrl-C in `up` leaves nothing of a worker that has ended and left something running', { timeout: 60_000 }, async () => {
  const seconds = someSeconds();
  const folder = mkdtempSync(join(tmpdir(), 'ostler-left-'));
  try {
    writeFileSync(join(folder, 'ostler.yaml'), JSON.stringify(withStubborn(seconds)));
    const up = start(['up', '--data-dir', join(folder, 'data')], { cwd: folder });
    await waitFor('it has ended', async () => (await run(['ps', '--data-dir', join(folder, 'data')])).stdout.includes('failed'));
    expect(sleepers(seconds)).toHaveLength(1);
    up.child.kill('SIGINT');
    await up.ended;
    expect(sleepers(seconds)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('what a worker with a long grace left running keeps its next start waiting for less than a start may take', { timeout: 120_000 }, async () => {
  const seconds = someSeconds();
  agent = await startTestAgent({
    hostFile: {
      ostler: 1,
      host: 'test',
      workers: { slow: { runtime: 'native', shell: `[ -e again ] && exec sleep 600; : > again; ${stubborn(seconds)}`, stop: { grace: '10m' } } },
    },
  });
  await waitFor('it is to be started again', async () => (await row('slow')).state === 'preparing');
  expect(await why('slow')).toContain('It is started when what it left running when it ended has ended too');
  await waitFor('it runs again', async () => (await row('slow')).state === 'running', 80_000);
  expect(await why('slow')).not.toContain('Could not be started');
  expect(sleepers(seconds)).toEqual([]);
});

test('a worker that is stopped while what it left running is being ended is not started before', { timeout: 60_000 }, async () => {
  const seconds = someSeconds();
  const rule = { runtime: 'native', shell: stubborn(seconds), restart: { backoff: { first: '10ms' } }, stop: { grace: '3s' } };
  agent = await startTestAgent({ hostFile: { ostler: 1, host: 'test', workers: { left: rule } } });
  await waitFor('it is to be started again', async () => (await row('left')).state === 'preparing');
  await agent.request('POST', '/v1/workers/left/stop', { waitMs: 30_000 });
  expect(sleepers(seconds)).toEqual([]);
  expect((await why('left')).match(/Started as pid/g)).toHaveLength(1);
});

test('a program that goes into the background is ended, and none is left beside the next one, nor after the last', { timeout: 90_000 }, async () => {
  const seconds = someSeconds();
  agent = await startTestAgent({
    hostFile: {
      ostler: 1,
      host: 'test',
      workers: {
        daemon: { runtime: 'native', shell: `sleep ${seconds} >/dev/null 2>&1 & exit 1`, restart: { backoff: { first: '50ms', min: '50ms', factor: 1 } } },
        once: { runtime: 'native', shell: `sleep ${seconds + 1_000_000} >/dev/null 2>&1 & exit 0`, restart: 'never' },
      },
    },
  });
  await waitFor('three tries', async () => {
    expect(sleepers(seconds).length).toBeLessThan(2);
    return (await row('daemon')).restarts >= 3;
  });
  await waitFor('what a job left is ended', async () => (await row('once')).state === 'done' && sleepers(seconds + 1_000_000).length === 0);
  await agent.request('POST', '/v1/workers/daemon/stop', { waitMs: 30_000 });
  await waitFor('nothing is left', () => sleepers(seconds).length === 0);
});
