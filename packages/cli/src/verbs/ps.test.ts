import { waitFor } from '@ostler/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run, start } from '../fixtures/command.ts';
import { type FakeAgent, fakeAgent, ps, worker } from '../fixtures/fake-agent.ts';

let agent: FakeAgent;
beforeEach(async () => {
  agent = await fakeAgent();
});
afterEach(() => agent.stop());

const web = worker('web', {
  restarts: 2,
  ports: [
    { name: 'http', port: 80, publish: { address: '127.0.0.1', port: 8080 }, protocol: 'tcp' },
    { name: 'dns', port: 53, publish: null, protocol: 'udp' },
  ],
});
const db = worker('db', {
  state: 'crash-looping',
  reason: 'it ended with code 1\u001b[2J five times',
  unenforced: ['limits.memory is not enforced on this host'],
  pendingChange: true,
});

test('ps prints a line for each worker, whole and without colour where there is no terminal', async () => {
  agent.route('GET /v1/ps', () => ps([web, db]));
  const { code, stdout } = await run(['ps', '--socket', agent.socket]);
  expect(code).toBe(0);
  expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['NAME', 'RUNTIME', 'STATE', 'SINCE', 'RESTARTS', 'PORTS', 'REASON'],
    ['web', 'native', 'healthy', expect.stringMatching(/^9\ds$/), '2', '127.0.0.1:8080->80, 53/udp', 'its health check passes'],
    // What a worker says cannot move the cursor.
    ['db', 'native', 'crash-looping', expect.stringMatching(/^9\ds$/), '0', 'it ended with code 1 five times'],
    [''],
  ]);
});

test('ps says beside the table what is not enforced, which engine is down and what is pending; not with --quiet', async () => {
  agent.route('GET /v1/ps', () =>
    ps([web, db], { engines: [{ runtime: 'docker', state: 'down', since: '2026-01-01T00:00:00Z', reason: 'its socket is not there' }] }),
  );
  const told = await run(['ps', '--socket', agent.socket]);
  expect(told.stderr).toBe(
    'docker is down: its socket is not there\ndb: limits.memory is not enforced on this host\nthe saved host file changes db: see `ostler plan`\n',
  );
  expect((await run(['ps', '--quiet', '--socket', agent.socket])).stderr).toBe('');
});

test('ps of an agent without workers says so', async () => {
  agent.route('GET /v1/ps', () => ps([]));
  expect(await run(['ps', '--socket', agent.socket])).toEqual({ code: 0, stdout: 'no workers\n', stderr: '' });
});

test('ps --json prints the document as the agent sent it', async () => {
  const document = ps([web, db]);
  agent.route('GET /v1/ps', () => document);
  const { stdout } = await run(['--json', 'ps', '--socket', agent.socket]);
  expect(JSON.parse(stdout)).toEqual(document);
});

test('ps -f --json prints a line for each change and ends with Ctrl-C', async () => {
  let state: 'starting' | 'healthy' = 'starting';
  const fixed = worker('web');
  let tell = (): void => {};
  agent.route('GET /v1/ps', () => ps([{ ...fixed, state }]));
  agent.route('GET /v1/stats', () => ({ version: 1, workers: [] }));
  agent.route('GET /v1/events', (_asked, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    tell = () => {
      const event = { cursor: '7', at: '2026-01-01T00:00:00Z', type: 'worker.healthy', worker: 'web', instance: null, text: 'web is healthy', data: null };
      response.write(`id: 7\nevent: worker.healthy\ndata: ${JSON.stringify(event)}\n\n`);
    };
  });
  const running = start(['ps', '-f', '--json', '--socket', agent.socket], { input: 'open' });
  await waitFor('the first line', () => running.stdout().includes('\n'));
  state = 'healthy';
  tell();
  await waitFor('the second line', () => running.stdout().split('\n').length === 3);
  running.child.kill('SIGINT');
  const { code, stdout } = await running.ended;
  expect(code).toBe(0);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; cursor: string | null; workers: { state: string }[] });
  expect(lines.map(({ type, workers }) => [type, workers[0]?.state])).toEqual([
    ['ps', 'starting'],
    ['ps', 'healthy'],
  ]);
  expect(lines.at(-1)?.cursor).toBe('7');
});

test('ps -f ends with exit 3 when the agent goes away', async () => {
  agent.route('GET /v1/ps', () => ps([web]));
  const running = start(['ps', '-f', '--socket', agent.socket]);
  await waitFor('the table', () => running.stdout().includes('web'));
  await agent.stop();
  const { code, stderr } = await running.ended;
  expect(code).toBe(3);
  expect(stderr).toMatch(/no agent answers on|went away/);
});
