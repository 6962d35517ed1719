import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { fileURLToPath } from 'node:url';
import { waitFor, within } from '@ostler/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FakeAgent, fakeAgent, ps, worker } from '../fixtures/fake-agent.ts';

let agent: FakeAgent;
let log: ServerResponse | null;
beforeEach(async () => {
  agent = await fakeAgent();
  log = null;
  agent.route('GET /v1/ps', () => ps([worker('web')]));
  agent.route('GET /v1/agent', () => ({ version: 1, pid: 1, startedAt: '2020-01-01T00:00:00Z' }));
  agent.route('GET /v1/events', (_asked, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders());
  agent.route('GET /v1/workers/web/logs', (_asked, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' }).flushHeaders();
    log = response;
  });
});
afterEach(() => agent.stop());

function attached() {
  const main = fileURLToPath(new URL('../fixtures/attach-main.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@ostler/source', main, agent.socket], { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text));
  return { child, said, ended: once(child, 'exit') };
}
const line = (text: string): string =>
  `${JSON.stringify({ type: 'log', cursor: null, at: null, worker: 'web', instance: 'a1', stream: 'stdout', data: Buffer.from(text).toString('base64'), gap: null, message: null })}\n`;

test('away from a terminal it prints what workers print from now on, and ends quietly with the agent', async () => {
  const { child, said, ended } = attached();
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text));
  await waitFor('it follows', () => log !== null);
  const sinceMs = Date.parse(agent.asked.find(({ path }) => path.endsWith('/logs'))?.query['since'] ?? '');
  expect(Math.abs(Date.now() - sinceMs)).toBeLessThan(20_000);
  log!.write(line('hello\n'));
  await waitFor('the line', () => said.out === 'web | hello\n');
  await agent.stop();
  expect(await within('it leaves', 10_000, ended)).toEqual([0, null]);
  expect(said.err).toBe('left\n');
});

test('a reader that stands still, or has gone, does not keep it from leaving', async () => {
  for (const how of ['still', 'gone']) {
    log = null;
    const { child, said, ended } = attached();
    if (how === 'gone') child.stdout.destroy();
    await waitFor('it follows', () => log !== null);
    // More than a pipe holds.
    for (let i = 0; i < 300; i += 1) log!.write(line(`${'x'.repeat(4000)}\n`));
    if (how === 'still') await waitFor('the pipe is full', () => child.stdout.readableLength > 0);
    child.kill('SIGINT');
    await within(`it leaves while its reader is ${how}`, 10_000, ended);
    expect({ how, code: child.exitCode, said: said.err }).toEqual({ how, code: 0, said: 'left\n' });
  }
}, 40_000);
