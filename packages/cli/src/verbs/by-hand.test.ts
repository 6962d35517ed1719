import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OutcomeDocument, PlanDocument, PlanStep } from '@ostler/core';
import { waitFor } from '@ostler/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run, start } from '../fixtures/command.ts';
import { type FakeAgent, fakeAgent, refuse, worker } from '../fixtures/fake-agent.ts';

let agent: FakeAgent;
let folder: string;
beforeEach(async () => {
  agent = await fakeAgent();
  folder = mkdtempSync(join(tmpdir(), 'ostler-hand-'));
});
afterEach(async () => {
  await agent.stop();
  rmSync(folder, { recursive: true });
});

const ostler = (...args: string[]) => run([...args, '--socket', agent.socket], { cwd: folder });
const outcome = (over: Partial<OutcomeDocument> = {}): OutcomeDocument => ({
  version: 1,
  outcome: 'done',
  message: 'web is healthy',
  steps: [],
  workers: [],
  ...over,
});
const step = (over: Partial<PlanStep>): PlanStep => ({
  worker: 'web',
  kind: 'change',
  runtime: 'native',
  from: 3,
  to: 4,
  restarts: true,
  why: 'its command changed',
  changes: [{ field: 'env.LEVEL', before: null, after: 'debug' }],
  refused: [],
  unenforced: [],
  ...over,
});
const plan = (over: Partial<PlanDocument> = {}): PlanDocument => ({
  version: 1,
  hostFile: '/etc/ostler/ostler.yaml',
  digest: 'd1',
  steps: [step({}), step({ worker: 'old', kind: 'remove', to: null, restarts: true, why: 'it is not in the host file', changes: [] })],
  warnings: [],
  needsAllowRemove: false,
  ...over,
});

test.each(['start', 'stop', 'restart'])('%s asks for each worker named once and ends as the worst outcome', async (verb) => {
  const bad = worker('db', { state: 'failed', reason: 'it ended with code 1' });
  agent.route(`POST /v1/workers/web/${verb}`, () => outcome());
  agent.route(`POST /v1/workers/db/${verb}`, () => outcome({ outcome: 'failed', message: 'db is not well', workers: [bad] }));
  expect(await ostler(verb, 'web', 'web')).toEqual({ code: 0, stdout: 'web is healthy\n', stderr: '' });
  expect(agent.asked.map(({ path, body }) => [path, body])).toEqual([[`/v1/workers/web/${verb}`, { waitMs: 120_000 }]]);
  const both = await ostler(verb, 'web', 'db', '--wait', '1m30s');
  expect(both).toEqual({ code: 1, stdout: '', stderr: 'web is healthy\ndb is not well\n  db  failed  it ended with code 1\n' });
  expect(agent.asked.at(-1)?.body).toEqual({ waitMs: 90_000 });
  const json = JSON.parse((await ostler(verb, 'web', 'db', '--json')).stdout) as OutcomeDocument;
  expect([json.outcome, json.workers.map(({ name }) => name)]).toEqual(['failed', ['db']]);
});

test('a refusal of one worker is told beside what was done with the others', async () => {
  agent.route('POST /v1/workers/web/stop', () => outcome({ message: 'web is stopped' }));
  agent.route('POST /v1/workers/nix/stop', (_asked, response) =>
    refuse(response, 404, { code: 'worker-unknown', message: 'there is no worker nix', exitCode: 1 }),
  );
  expect(await ostler('stop', 'nix', 'web')).toEqual({ code: 1, stdout: 'web is stopped\n', stderr: 'there is no worker nix\n' });
});

test.each([
  ['done', 0],
  ['failed', 1],
  ['not-finished', 4],
  ['rolled-back', 5],
] as const)('an outcome %s is exit %i', async (said, code) => {
  agent.route('POST /v1/apply', () => outcome({ outcome: said, message: `it is ${said}` }));
  const ended = await ostler('apply');
  expect(ended.code).toBe(code);
  expect(ended.stdout + ended.stderr).toBe(`it is ${said}\n`);
});

test('plan prints each step with what changes, and what it adds up to', async () => {
  agent.route('POST /v1/plan', () => plan({ warnings: ['gpu is ignored'], needsAllowRemove: true }));
  const { code, stdout } = await ostler('plan', '--file', 'other.yaml', '--worker', 'web', 'old');
  expect(code).toBe(0);
  expect(stdout).toBe(
    [
      '~ web (native) generation 3 -> 4, restarts: its command changed',
      '    env.LEVEL: (none) -> debug',
      '- old (native), restarts: it is not in the host file',
      'warning: gpu is ignored',
      '',
      'Plan: 0 to add, 1 to change, 1 to remove.',
      'It removes every worker or more than half: `ostler apply` needs --allow-remove.',
      '',
    ].join('\n'),
  );
  expect(agent.asked[0]?.body).toEqual({ hostFile: join(folder, 'other.yaml'), workers: ['web', 'old'] });
});

test('plan --detailed-exitcode is 10 with changes and 0 without; a refused step is exit 1', async () => {
  agent.route('POST /v1/plan', () => plan());
  expect((await ostler('plan', '--detailed-exitcode')).code).toBe(10);
  agent.route('POST /v1/plan', () => plan({ steps: [step({ refused: ['the runtime docker is not here'] })] }));
  const refused = await ostler('plan', '--detailed-exitcode');
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain('    refused: the runtime docker is not here\n');
  agent.route('POST /v1/plan', () => plan({ steps: [step({ kind: 'keep', to: 3, restarts: false, why: 'nothing changed', changes: [] })] }));
  expect(await ostler('plan', '--detailed-exitcode')).toEqual({ code: 0, stdout: 'No changes.\n', stderr: '' });
});

test('a kept plan is applied as it was asked for, with its digest', async () => {
  agent.route('POST /v1/plan', () => plan());
  agent.route('POST /v1/apply', () => outcome());
  expect((await ostler('plan', '--file', 'a.yaml', '--worker', 'web', '--out', 'web.plan')).code).toBe(0);
  expect(statSync(join(folder, 'web.plan')).mode & 0o777).toBe(0o600);
  expect((await ostler('apply', 'web.plan', '--allow-remove', '--wait', '5s')).code).toBe(0);
  expect(agent.asked.at(-1)?.body).toEqual({ hostFile: join(folder, 'a.yaml'), workers: ['web'], digest: 'd1', allowRemove: true, waitMs: 5000 });
  expect((await ostler('apply', 'web.plan', '--file', 'b.yaml')).code).toBe(2);
});

test('a plan that cannot be written is an error and leaves nothing behind; another file is no plan', async () => {
  agent.route('POST /v1/plan', () => plan());
  const unwritten = await ostler('plan', '--out', 'no/such/folder/plan');
  expect(unwritten.code).toBe(1);
  expect(unwritten.stderr).toContain('the plan cannot be written to no/such/folder/plan');
  for (const text of ['', 'null', '[]', '{"version":1}', 'ostler: 1\n']) {
    writeFileSync(join(folder, 'x'), text);
    expect(await ostler('apply', 'x')).toMatchObject({ code: 2, stderr: expect.stringContaining('x is no plan') as string });
  }
  expect(readFileSync(join(folder, 'x'), 'utf8')).toBe('ostler: 1\n');
});

test('down and down --agent say which; kill knows signals by name and number', async () => {
  agent.route('POST /v1/down', () => outcome({ message: 'all is stopped' }));
  agent.route('POST /v1/workers/web/kill', (_asked, response) => void response.writeHead(204).end());
  expect(await ostler('down', '--wait', '10s')).toMatchObject({ code: 0, stdout: 'all is stopped\n' });
  const { pid } = spawnSync('true');
  agent.route('GET /v1/agent', () => ({ pid }));
  expect(await ostler('down', '--agent')).toMatchObject({ code: 0 });
  // This test itself stands for an agent that does not end.
  agent.route('GET /v1/agent', () => ({ pid: process.pid }));
  expect(await ostler('down', '--agent', '--wait', '100ms')).toMatchObject({ code: 4, stderr: expect.stringContaining('has not ended yet') as string });
  for (const signal of ['9', 'kill', 'SIGKILL'])
    expect(await ostler('kill', '-s', signal, 'web')).toEqual({ code: 0, stdout: '', stderr: 'SIGKILL sent to web\n' });
  expect(await ostler('kill', 'web', '--quiet')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(agent.asked.map(({ body }) => body).filter((body) => body !== null)).toEqual([
    { agent: false, waitMs: 10_000 },
    { agent: true, waitMs: 120_000 },
    { agent: true, waitMs: 100 },
    { signal: 'SIGKILL' },
    { signal: 'SIGKILL' },
    { signal: 'SIGKILL' },
    { signal: 'SIGTERM' },
  ]);
});

test('why prints lines for people and the report with --json', async () => {
  agent.route('GET /v1/workers/web/why', ({ accept }, response) => {
    if (!accept.includes('text/plain')) return { version: 1, worker: 'web', entries: [], now: null };
    response.writeHead(200, { 'content-type': 'text/plain' }).end('web: healthy\n  why  | it said \u001b[2J\u0007and went\n');
    return undefined;
  });
  expect(await ostler('why', 'web')).toEqual({ code: 0, stdout: 'web: healthy\n  why  | it said  and went\n', stderr: '' });
  expect(JSON.parse((await ostler('why', 'web', '--json')).stdout)).toEqual({ version: 1, worker: 'web', entries: [], now: null });
});

test('events prints what happened after a cursor, and goes on with -f until Ctrl-C', async () => {
  const event = (cursor: string, text: string) => ({
    cursor,
    at: '2026-01-01T00:00:00Z',
    type: 'worker.started',
    worker: 'web',
    instance: 'a1',
    text,
    data: {},
  });
  agent.route('GET /v1/events', ({ accept }, response) => {
    if (!accept.includes('event-stream')) return { version: 1, events: [event('5', 'started'), event('6', 'healthy')] };
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const whole = `: keep-alive\n\nid: 7\nevent: worker.started\ndata: ${JSON.stringify(event('7', 'größer'))}\n\n`;
    const bytes = Buffer.from(whole);
    // Cut within a character.
    const cutAt = bytes.indexOf('ö') + 1;
    response.write(bytes.subarray(0, cutAt));
    setImmediate(() => response.write(bytes.subarray(cutAt)));
    return undefined;
  });
  expect((await ostler('events', '--since', '4', '--worker', 'web')).stdout).toBe(
    '5  2026-01-01T00:00:00Z  web  started\n6  2026-01-01T00:00:00Z  web  healthy\n',
  );
  expect(agent.asked[0]?.query).toEqual({ after: '4', worker: 'web' });
  const running = start(['events', '-f', '--json', '--socket', agent.socket], { input: 'open' });
  await waitFor('the event', () => running.stdout().endsWith('\n'));
  running.child.kill('SIGTERM');
  const { code, stdout } = await running.ended;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual(event('7', 'größer'));
});

test('events refuses what is no cursor before it asks, and says how to go on when its agent went away', async () => {
  for (const wrong of ['1h', '-1', '2026-01-01T00:00:00Z', '', '1'.repeat(16)])
    expect(await ostler('events', `--since=${wrong}`)).toEqual({
      code: 2,
      stdout: '',
      stderr: `--since: \`${wrong}\` is no cursor\n  expected the number that stands before an event, such as 1234; 0 = everything that is kept\n`,
    });
  expect(agent.asked).toEqual([]);
  agent.route('GET /v1/events', (_, response) => {
    const event = { cursor: '41', at: '2026-01-01T00:00:00Z', type: 'agent.stopped', worker: null, instance: null, text: 'The agent stopped.', data: {} };
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`id: 41\ndata: ${JSON.stringify(event)}\n\n`);
    return undefined;
  });
  const { code, stdout, stderr } = await ostler('events', '-f', '--worker', 'web');
  expect([code, stdout]).toEqual([3, '41  2026-01-01T00:00:00Z  The agent stopped.\n']);
  expect(stderr).toMatch(/went away\n {2}go on where this ended: ostler events -f --since 41 --worker web\n$/);
  const lines = (await ostler('events', '-f', '--json')).stdout.trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { type: 'agent.stopped', cursor: '41' },
    { type: 'problem', cursor: '41', error: { code: 'no-agent', hint: expect.stringContaining('--since 41') } },
  ]);
});
