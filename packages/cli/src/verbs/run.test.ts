import type { LogLine, RunDocument } from '@ostler/core';
import { waitFor } from '@ostler/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run, start } from '../fixtures/command.ts';
import { type FakeAgent, fakeAgent, refuse } from '../fixtures/fake-agent.ts';

let agent: FakeAgent;
beforeEach(async () => {
  agent = await fakeAgent();
});
afterEach(() => agent.stop());

const ostler = (...args: string[]) => run([...args, '--socket', agent.socket]);
const exited = (code: number | null, signal: string | null = null) => ({ code, signal, at: null, oom: 'no', evidence: 'holder' }) as const;
const told = (over: Partial<RunDocument>): RunDocument => ({
  ...{ version: 1, worker: 'backup', run: 3, instance: 'i1', after: 'i1', state: 'running', isOver: false, exit: null, stopped: null, reason: 'running' },
  ...over,
});
const over = (more: Partial<RunDocument> = {}) => told({ instance: null, state: 'done', isOver: true, exit: exited(0), reason: 'done', ...more });
const printed = (text: string, stream: LogLine['stream'] = 'stdout'): LogLine => ({
  ...{ type: 'log', cursor: 'c', at: null, worker: 'backup', instance: 'i1', stream, gap: null, message: null },
  data: Buffer.from(text).toString('base64'),
});
const logs = (...lines: readonly LogLine[]) =>
  agent.route('GET /v1/workers/backup/logs', (_asked, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' }).end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  });
const begins = (document: RunDocument) => agent.route('POST /v1/workers/backup/run', () => document);
const then = (...documents: readonly RunDocument[]) => {
  const left = [...documents];
  agent.route('GET /v1/workers/backup/run', () => (left.length > 1 ? left.shift() : left[0]));
};

test.each([
  [exited(0), 0],
  [exited(7), 7],
  [exited(null, 'SIGTERM'), 143],
])('run prints what the run prints, each to its stream, and ends as it ended: %o', async (exit, code) => {
  begins(told({}));
  logs(printed('one\n'), printed('bad\n', 'stderr'), printed('two\n'));
  then(over({ exit }));
  expect(await ostler('run', 'backup')).toEqual({ code, stdout: 'one\ntwo\n', stderr: 'bad\n' });
  expect(agent.asked.map(({ method, path, query }) => [method, path, query])).toEqual([
    ['POST', '/v1/workers/backup/run', {}],
    ['GET', '/v1/workers/backup/logs', { follow: '1', instance: 'i1' }],
    ['GET', '/v1/workers/backup/run', { run: '3', after: 'i1', wait: '20000' }],
  ]);
});

test('run follows each try of a run that fails, and says what is waited for', async () => {
  begins(told({ instance: null, after: null, state: 'waiting', reason: 'waiting for db to be healthy' }));
  logs(printed('x\n'));
  then(
    told({ instance: null, after: null, state: 'waiting', reason: 'waiting for db to be healthy' }),
    told({}),
    told({ instance: null, state: 'backoff', reason: 'the last one ended; 2 in a row' }),
    told({ instance: 'i2', after: 'i2' }),
    over({ after: 'i2', state: 'failed', exit: exited(4), reason: 'failed' }),
  );
  expect(await ostler('run', 'backup')).toEqual({
    code: 4,
    stdout: 'x\nx\n',
    stderr: 'backup is waiting: waiting for db to be healthy\nbackup is backoff: the last one ended; 2 in a row\n',
  });
  expect(agent.asked.filter(({ path }) => path.endsWith('/logs')).map(({ query }) => query['instance'])).toEqual(['i1', 'i2']);
});

test('a run that could not be started is exit 125 with the reason', async () => {
  begins(told({ instance: null, after: 'old', state: 'failed', isOver: true, exit: exited(0), reason: 'failed: there is no program `bakcup`' }));
  expect(await ostler('run', 'backup', '--quiet')).toEqual({ code: 125, stdout: '', stderr: 'backup is failed: there is no program `bakcup`\n' });
});

test('a run that was stopped before it was done is exit 125, though it ended well once it was told to', async () => {
  begins(told({}));
  logs(printed('x\n'));
  then(over({ state: 'failed', stopped: 'it ran longer than its schedule allows' }));
  const stderr = 'the run of backup was stopped: it ran longer than its schedule allows\n';
  expect(await ostler('run', 'backup')).toEqual({ code: 125, stdout: 'x\n', stderr });
});

test('what the agent refuses is exit 125, with its words', async () => {
  const hint = 'only jobs';
  agent.route('POST /v1/workers/web/run', (_asked, response) => refuse(response, 409, { code: 'run-refused', message: 'web is a service', hint, exitCode: 1 }));
  expect(await ostler('run', 'web')).toEqual({ code: 125, stdout: '', stderr: 'web is a service\n  only jobs\n' });
  expect((await run(['run', 'web', '--socket', '/nonexistent/agent.sock'])).stderr).toContain('no agent answers on /nonexistent/agent.sock');
  expect((await ostler('run')).code).toBe(2);
});

test('run --json is the records of the log and then how the run came out', async () => {
  begins(told({}));
  logs(printed('one\n', 'stderr'));
  then(over({ exit: exited(3) }));
  const { code, stdout, stderr } = await ostler('run', 'backup', '--json');
  const records = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string });
  expect([code, stderr, records]).toEqual([3, '', [printed('one\n', 'stderr'), { type: 'run', ...over({ instance: 'i1', exit: exited(3) }) }]]);
});

test('run --json tells also what went wrong as a record of its own line', async () => {
  begins(told({}));
  logs(printed('one\n'));
  agent.route('GET /v1/workers/backup/run', (_asked, response) => void response.destroy());
  const { code, stdout } = await ostler('run', 'backup', '--json');
  const records = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect([code, records]).toMatchObject([125, [printed('one\n'), { type: 'problem', version: 1, error: { code: 'no-agent', exitCode: 3 } }]]);
});

test('Ctrl-C calls the run off, shows the rest of what it prints, and is exit 130', async () => {
  begins(told({}));
  let rest = (): void => {};
  agent.route('GET /v1/workers/backup/logs', (_asked, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write(`${JSON.stringify(printed('on\n'))}\n`);
    rest = () => void response.end(`${JSON.stringify(printed('bye\n'))}\n`);
  });
  then(over({ state: 'failed', exit: exited(null, 'SIGTERM'), reason: 'called off' }));
  agent.route('POST /v1/workers/backup/cancel', () => {
    rest();
    return over({});
  });
  const running = start(['run', 'backup', '--socket', agent.socket], {});
  await waitFor('output', () => running.stdout() === 'on\n');
  running.child.kill('SIGINT');
  expect(await running.ended).toEqual({ code: 130, stdout: 'on\nbye\n', stderr: 'calling the run of backup off\n' });
  // Its schedule may have begun the next one.
  expect(agent.asked.find(({ path }) => path.endsWith('/cancel'))?.body).toEqual({ run: 3, waitMs: 120_000 });
});

test('Ctrl-C says what is known of a run that could not be ended in time', async () => {
  begins(told({}));
  const { promise: isAnswered, resolve: answered } = Promise.withResolvers<void>();
  agent.route('GET /v1/workers/backup/logs', (_asked, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write(`${JSON.stringify(printed('on\n'))}\n`);
    void isAnswered.then(() => response.end());
  });
  then(over({ state: 'failed', exit: exited(null, 'SIGTERM'), reason: 'called off' }));
  const reason = 'it cannot be seen: connection refused; it is stopped once its runtime answers';
  agent.route('POST /v1/workers/backup/cancel', () => {
    setTimeout(answered, 100);
    return told({ state: 'unknown', reason });
  });
  const running = start(['run', 'backup', '--socket', agent.socket], {});
  await waitFor('output', () => running.stdout() === 'on\n');
  running.child.kill('SIGINT');
  expect(await running.ended).toEqual({ code: 130, stdout: 'on\n', stderr: `calling the run of backup off\nbackup is unknown: ${reason}\n` });
});

test('Ctrl-C ends with the run that was called off: the next one, which was queued, is not followed', async () => {
  begins(told({}));
  let end = (): void => {};
  agent.route('GET /v1/workers/backup/logs', (_asked, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' }).write(`${JSON.stringify(printed('on\n'))}\n`);
    end = () => void response.end();
  });
  then(told({ instance: 'i2', after: 'i2' }));
  agent.route('POST /v1/workers/backup/cancel', () => {
    end();
    return told({ isOver: true, exit: exited(null, 'SIGTERM'), reason: 'this run of it is over; of the next one: running' });
  });
  const running = start(['run', 'backup', '--socket', agent.socket], {});
  await waitFor('output', () => running.stdout() === 'on\n');
  running.child.kill('SIGINT');
  expect(await running.ended).toEqual({ code: 130, stdout: 'on\n', stderr: 'calling the run of backup off\n' });
});
