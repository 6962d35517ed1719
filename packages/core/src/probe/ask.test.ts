import { spawn } from 'node:child_process';
import { Readable, Writable } from 'node:stream';
import type { ExecSession, Probe } from '@ostler/sdk';
import { describe, expect, it, vi } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { StuckCalls } from '../base/stuck-calls.ts';
import { type AskGiven, askProbe } from './ask.ts';
import { answerOf } from './exec.ts';
import { asking, listening } from './fixtures/asking.ts';
import type { ExecInWorker, ProvidedProbe } from './prepared.ts';

const isGood = { ok: true };

describe('a probe of tcp', () => {
  const ask = (options: unknown, given: Partial<AskGiven> = {}) => askProbe({ kind: 'tcp', options }, asking(given));

  it('is good when the connection is accepted, and does not hold it', async () => {
    const server = await listening(() => {});
    expect(await ask({ port: server.port })).toEqual({ ok: true, evidence: `127.0.0.1:${server.port} accepts connections` });
    await vi.waitUntil(() => server.accepted() === 1 && server.open() === 0, { timeout: 5000 });
    await server.close();
    expect(await ask({ port: server.port })).toEqual({ ok: false, evidence: `127.0.0.1:${server.port}: connection refused` });
  });

  it('says why it cannot be asked at all', async () => {
    expect(await ask({})).toEqual({ ok: false, evidence: 'the tcp probe: there is no port to ask' });
    expect(await ask(undefined)).toEqual({ ok: false, evidence: 'the tcp probe: there is no port to ask' });
    expect((await ask({ port: 70_000 })).ok).toBe(false);
    expect((await ask({ port: 1, host: 'no.such.host.invalid' })).ok).toBe(false);
  });

  it('is given up at once when nobody wants to know any more', async () => {
    const gone = new AbortController();
    gone.abort(new Error('gone'));
    expect((await ask({ port: 1 }, { signal: gone.signal })).ok).toBe(false);
  });
});

describe('a probe by a command', () => {
  const ask = (exec: ExecInWorker | null, given: Partial<AskGiven> = {}) =>
    askProbe({ kind: 'exec', options: { command: ['pg_isready', '--password=s3cret'] } }, asking({ exec, ...given }));

  it('is good when the command exits with 0', async () => {
    const argv: unknown[] = [];
    const answer = await ask(async (given) => {
      argv.push(given);
      return { code: 0, output: 'accepting' };
    });
    expect(answer).toEqual({ ok: true, evidence: '`pg_isready` exited with 0' });
    expect(argv).toEqual([['pg_isready', '--password=s3cret']]);
  });

  it.each([
    [3, 'one\ntwo  words\n\n', '`pg_isready` exited with 3: two words'],
    [3, '', '`pg_isready` exited with 3'],
    ['unknown', '', '`pg_isready` ended, and its exit code is not known'],
    [1, 'x'.repeat(10_000), `\`pg_isready\` exited with 1: ${'x'.repeat(198)} …`],
  ] as const)('tells the exit code %s and the last line, not the arguments', async (code, output, evidence) => {
    expect(await ask(async () => ({ code, output }))).toEqual({ ok: false, evidence });
  });

  it('says that the runtime cannot, and what the runtime says', async () => {
    expect(await ask(null)).toEqual({ ok: false, evidence: '`pg_isready` cannot be run: the runtime of this worker runs no commands in it' });
    expect(await ask(() => Promise.reject(new Error('web is not running')))).toEqual({ ok: false, evidence: '`pg_isready`: web is not running' });
  });

  it('that hangs is not run a second time before it ends', async () => {
    const stuck = new StuckCalls();
    const hanging: AskGiven['hanging'] = new Set();
    const rule = { kind: 'exec', options: { command: ['hang'] } };
    let runs = 0;
    let end = (): void => {};
    const exec: ExecInWorker = () => {
      runs++;
      return new Promise((resolve) => {
        end = () => resolve({ code: 0, output: '' });
      });
    };
    const given = asking({ exec, stuck, hanging, timeoutMs: 50 });
    expect(await askProbe(rule, given)).toEqual({ ok: false, evidence: '`hang`: no answer within 50 ms' });
    expect(stuck.list().map(({ name }) => name)).toEqual(['exec probe of web']);
    expect(await askProbe(rule, given)).toEqual({ ok: false, evidence: '`hang`: the last one still runs' });
    expect(runs).toBe(1);
    end();
    await vi.waitUntil(() => stuck.list().length === 0, { timeout: 5000 });
    const again = askProbe(rule, { ...given, timeoutMs: 5000 });
    await vi.waitUntil(() => runs === 2, { timeout: 5000 });
    end();
    expect(await again).toMatchObject(isGood);
  });

  it('does not count an answer that came after its time', async () => {
    const late: ExecInWorker = (_, call) =>
      new Promise((resolve) => call.signal.addEventListener('abort', () => resolve({ code: 0, output: '' }), { once: true }));
    expect(await ask(late, { timeoutMs: 20 })).toEqual({ ok: false, evidence: '`pg_isready`: no answer within 20 ms' });
  });
});

describe('the answer of a session', () => {
  const call = (signal = new AbortController().signal) => ({ signal, deadlineMs: Date.now() + 10_000, progress() {}, output() {} });
  function session(script: string): ExecSession {
    const child = spawn('/bin/sh', ['-c', script], { stdio: 'pipe' });
    return {
      stdin: Writable.toWeb(child.stdin) as WritableStream<Uint8Array>,
      stdout: Readable.toWeb(child.stdout) as unknown as ReadableStream<Uint8Array>,
      stderr: Readable.toWeb(child.stderr) as unknown as ReadableStream<Uint8Array>,
      resize: async () => {},
      exit: new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 'unknown'))),
    };
  }

  it('is the exit code and what was printed on both streams; the command has nothing to read', async () => {
    const { code, output } = await answerOf(session('cat; echo out; echo err >&2; exit 4'), call(), systemClock);
    expect(code).toBe(4);
    expect(output.split('\n').sort()).toEqual(['err', 'out']);
  });

  it('keeps the end of much output', async () => {
    const { code, output } = await answerOf(session('i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done'), call(), systemClock);
    expect(code).toBe(0);
    expect(output).toMatch(/line 2999$/);
    expect(output.length).toBeLessThan(5000);
  });

  it('comes although a child of the command holds its output open', async () => {
    const beganMs = performance.now();
    expect((await answerOf(session('sleep 15 & echo started'), call(), systemClock)).output).toBe('started');
    expect(performance.now() - beganMs).toBeLessThan(10_000);
  });

  it('is waited for after the signal, its output is not', async () => {
    const abort = new AbortController();
    const answer = answerOf(session('while echo x; do sleep 0.05; done; exit 7'), call(abort.signal), systemClock);
    abort.abort();
    expect(['unknown', 7]).toContain((await answer).code);
  });
});

describe('a probe of a plugin', () => {
  const provided = (ask: Probe['ask']): ReadonlyMap<string, ProvidedProbe> => new Map([['ping', { plugin: 'ostler-plugin-ping', probe: { ask } }]]);
  const ask = (probe: Probe['ask'], options: unknown = {}, given: Partial<AskGiven> = {}) =>
    askProbe({ kind: 'ping', options }, asking({ probes: provided(probe), ...given }));

  it('is asked in the name of its plugin with the endpoint and its options', async () => {
    const asked: unknown[] = [];
    const probe: Probe['ask'] = async (endpoint, options) => {
      asked.push(endpoint, options);
      return { ok: true, evidence: 'pong\nin 3 ms' };
    };
    const endpoints = [
      { port: 80, address: '10.0.0.2' },
      { port: 81, address: '10.0.0.3' },
    ];
    const named: string[] = [];
    const inPlugin: AskGiven['inPlugin'] = (id, run) => {
      named.push(id);
      return run();
    };
    const answer = await ask(probe, { port: 81 }, { endpoints, inPlugin });
    expect(answer).toEqual({ ok: true, evidence: 'pong in 3 ms' });
    await ask(probe, { a: 1 }, { endpoints });
    await ask(probe, null);
    expect(asked).toEqual([
      { port: 81, address: '10.0.0.3' },
      { port: 81 },
      { port: 80, address: '10.0.0.2' },
      { a: 1 },
      { port: 0, address: '127.0.0.1' },
      null,
    ]);
    expect(named).toEqual(['ostler-plugin-ping']);
  });

  it.each([
    ['throws', () => Promise.reject(new Error('no route')), 'the ping probe: no route'],
    [
      'throws at once',
      () => {
        throw new Error('bad options');
      },
      'the ping probe: bad options',
    ],
    ['throws what is no error', () => Promise.reject('nope'), 'the ping probe: nope'],
    ['answers nothing', () => Promise.resolve(undefined as never), 'the ping probe: the plugin ostler-plugin-ping answered without `ok`'],
    ['answers no evidence', () => Promise.resolve({ ok: false } as never), 'the ping probe failed'],
  ])('that %s is an answer that is not ok', async (_, probe, evidence) => {
    expect(await ask(probe)).toEqual({ ok: false, evidence });
  });

  it('that hangs is given up and listed', async () => {
    const stuck = new StuckCalls();
    expect(await ask(() => new Promise(() => {}), {}, { stuck, timeoutMs: 20 })).toEqual({ ok: false, evidence: 'the ping probe: no answer within 20 ms' });
    expect(stuck.list()).toMatchObject([{ name: 'ping probe of web', plugin: 'ostler-plugin-ping' }]);
  });
});

describe('a kind of probe', () => {
  it('that nobody can ask is not ok', async () => {
    expect(await askProbe({ kind: 'mcp', options: { port: 1 } }, asking())).toEqual({ ok: false, evidence: 'the mcp probe: this version cannot ask it' });
    expect(await askProbe({ kind: 'nope', options: {} }, asking())).toEqual({ ok: false, evidence: 'the nope probe: no loaded plugin brings it' });
    expect((await askProbe({ kind: 'constructor', options: {} }, asking())).evidence).toMatch(/no loaded plugin brings it/);
  });

  it('that this version lacks may come from a plugin', async () => {
    const probes = new Map([['mcp', { plugin: 'x', probe: { ask: async () => ({ ok: true, evidence: 'initialized' }) } }]]);
    expect(await askProbe({ kind: 'mcp', options: {} }, asking({ probes }))).toEqual({ ok: true, evidence: 'initialized' });
  });
});
