import type { ServerResponse } from 'node:http';
import type { LogLine } from '@ostler/core';
import { waitFor } from '@ostler/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run, start } from '../fixtures/command.ts';
import { type FakeAgent, fakeAgent, ps, refuse, worker } from '../fixtures/fake-agent.ts';

let agent: FakeAgent;
beforeEach(async () => {
  agent = await fakeAgent();
});
afterEach(() => agent.stop());

const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`;
const log = (name: string, second: number, text: string, over: Partial<LogLine> = {}): LogLine => ({
  type: 'log',
  cursor: `c${second}`,
  at: at(second),
  worker: name,
  instance: 'a1',
  stream: 'stdout',
  data: Buffer.from(text).toString('base64'),
  gap: null,
  message: null,
  ...over,
});

function sent(response: ServerResponse, lines: readonly LogLine[]): ServerResponse {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  for (const line of lines) response.write(`${JSON.stringify(line)}\n`);
  return response;
}
const logsOf = (name: string, lines: readonly LogLine[]): void =>
  agent.route(`GET /v1/workers/${name}/logs`, (_asked, response) => void sent(response, lines).end());

test('one worker’s log comes as it is, byte for byte, gaps on stderr', async () => {
  logsOf('web', [log('web', 1, 'he'), log('web', 1, 'llo\n\u0000\n'), log('web', 2, '', { type: 'gap', gap: 123, data: null }), log('web', 3, 'no end')]);
  expect(await run(['logs', 'web', '--socket', agent.socket])).toEqual({ code: 0, stdout: 'hello\n\u0000\nno end', stderr: '… 123 bytes lost …\n' });
});

test('several workers come in order of time, whole lines with their names; none named = all', async () => {
  agent.route('GET /v1/ps', () => ps([worker('web'), worker('database')]));
  logsOf('web', [log('web', 1, 'w1\nw'), log('web', 4, '4\n'), log('web', 6, 'w6')]);
  logsOf('database', [log('database', 2, 'd2\n'), log('database', 3, 'd3\n'), log('database', 5, 'd5\n')]);
  const expected = 'web      | w1\ndatabase | d2\ndatabase | d3\nweb      | w4\ndatabase | d5\nweb      | w6\n';
  expect(await run(['logs', '--socket', agent.socket])).toEqual({ code: 0, stdout: expected, stderr: '' });
  expect((await run(['logs', 'web', 'database', '--socket', agent.socket])).stdout).toBe(expected);
});

test('--timestamps puts the time at which a line began before it', async () => {
  logsOf('web', [log('web', 1, 'a'), log('web', 2, 'b\nc\n'), log('web', 3, 'd\n', { at: null })]);
  const { stdout } = await run(['logs', '-t', 'web', '--socket', agent.socket]);
  expect(stdout).toBe(`${at(1)} ab\n${at(2)} c\n- d\n`);
});

test('what is asked for reaches the agent: --tail, --since as a time, --instance', async () => {
  logsOf('web', []);
  await run(['logs', '-n', '5', '--since', '2026-01-31T08:00:00+02:00', '--instance', 'a1', 'web', '--socket', agent.socket]);
  expect(agent.asked.at(-1)?.query).toEqual({ follow: '0', tail: '5', since: '2026-01-31T06:00:00.000Z', instance: 'a1' });
  await run(['logs', '--since', '10m', 'web', '--socket', agent.socket]);
  const agoMs = Date.now() - Date.parse(agent.asked.at(-1)?.query['since'] ?? '');
  expect(agoMs).toBeGreaterThanOrEqual(600_000);
  expect(agoMs).toBeLessThan(660_000);
});

test('--json prints the records with type and cursor, a line each', async () => {
  const lines = [log('web', 1, 'a\n'), log('web', 2, '', { type: 'gap', gap: null, data: null })];
  logsOf('web', lines);
  const { stdout } = await run(['logs', '--json', 'web', '--socket', agent.socket]);
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toEqual(lines);
});

test('a worker that is not there, and a log that cannot be read, are exit 1', async () => {
  agent.route('GET /v1/workers/wbe/logs', (_asked, response) =>
    refuse(response, 404, { code: 'worker-unknown', message: 'there is no worker wbe', exitCode: 1 }),
  );
  expect(await run(['logs', 'wbe', '--socket', agent.socket])).toEqual({ code: 1, stdout: '', stderr: 'there is no worker wbe\n' });
  logsOf('web', [log('web', 1, 'a\n'), log('web', 2, '', { type: 'problem', data: null, message: 'the log of instance a1 cannot be read: EIO' })]);
  expect(await run(['logs', 'web', '--socket', agent.socket])).toEqual({ code: 1, stdout: 'a\n', stderr: 'the log of instance a1 cannot be read: EIO\n' });
});

test('-f of all goes on with what comes, of workers that are added too, until Ctrl-C', async () => {
  const workers = [worker('web')];
  const streams = new Map<string, ServerResponse>();
  let events: ServerResponse | null = null;
  agent.route('GET /v1/ps', () => ps(workers));
  for (const name of ['web', 'late']) agent.route(`GET /v1/workers/${name}/logs`, (_asked, response) => void streams.set(name, response));
  agent.route('GET /v1/events', (_asked, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    events = response;
  });
  const running = start(['logs', '-f', '--socket', agent.socket], { input: 'open' });
  await waitFor('it follows', () => streams.has('web') && events !== null);
  sent(streams.get('web')!, [log('web', 1, 'w1\nw2')]);
  await waitFor('the first line', () => running.stdout() === 'web | w1\n');
  workers.push(worker('late'));
  events!.write(`id: 1\ndata: ${JSON.stringify({ cursor: '1', at: at(2), type: 'worker.added', worker: 'late', instance: null, text: '', data: null })}\n\n`);
  await waitFor('it follows the new one', () => streams.has('late'));
  sent(streams.get('late')!, [log('late', 3, 'l1\n')]);
  await waitFor('its line', () => running.stdout().includes('late | l1\n'));
  running.child.kill('SIGINT');
  expect(await running.ended).toEqual({ code: 0, stdout: 'web | w1\nlate | l1\nweb  | w2\n', stderr: '' });
});

test('-f ends with exit 3 and says so when the agent goes away', async () => {
  agent.route('GET /v1/workers/web/logs', (_asked, response) => void sent(response, [log('web', 1, 'a\n')]));
  const running = start(['logs', '-f', 'web', '--socket', agent.socket]);
  await waitFor('the line', () => running.stdout() === 'a\n');
  await agent.stop();
  expect(await running.ended).toMatchObject({ code: 3, stderr: expect.stringContaining('went away') as string });
});

test.each(['logs -f web', 'events -f', 'ps -f'])('`%s --json` is a line for each record to its very end, when the agent goes away too', async (words) => {
  const events = (response: ServerResponse): void =>
    void response
      .writeHead(200, { 'content-type': 'text/event-stream' })
      .write(`id: 1\ndata: ${JSON.stringify({ cursor: '1', at: at(1), type: 'worker.done', worker: 'web', instance: null, text: '', data: null })}\n\n`);
  agent.route('GET /v1/ps', () => ps([worker('web')]));
  agent.route('GET /v1/events', (_asked, response) => events(response));
  agent.route('GET /v1/workers/web/logs', (_asked, response) => void sent(response, [log('web', 1, 'a\n')]));
  const running = start([...words.split(' '), '--json', '--socket', agent.socket]);
  await waitFor('the first line', () => running.stdout().includes('\n'));
  await agent.stop();
  const { code, stdout } = await running.ended;
  const records = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect([code, records.at(-1)]).toMatchObject([3, { type: 'problem', cursor: words === 'events -f' ? '1' : null, error: { code: 'no-agent' } }]);
});
