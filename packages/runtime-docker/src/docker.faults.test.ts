import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Found, type Hint, isRuntimeFailure, type LogRecord } from '@ostler/sdk';
import { waitFor, within } from '@ostler/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Connection } from './engine/connection.ts';
import type { ListedJson } from './engine/json.ts';
import { importBaseImage } from './fixtures/base-image.ts';
import { type TestEngine, testDockerd } from './fixtures/dockerd.ts';
import { opened } from './fixtures/opened.ts';
import { callFor } from './fixtures/scripted-engine.ts';

const abilities = JSON.parse(process.env['OSTLER_ABILITIES'] ?? '{}') as Readonly<Record<string, string | null>>;
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => (isRuntimeFailure(error) ? { code: error.code, outcome: error.outcome } : error),
  );

describe.skipIf(abilities['docker'] !== null)('with a dockerd that fails', { timeout: 60_000 }, () => {
  let engine: TestEngine;
  let d: ReturnType<typeof opened>;
  beforeEach(async () => {
    // Containers live on without dockerd, so that it is its death alone that shows.
    engine = testDockerd(['--live-restore']);
    await engine.start();
    await importBaseImage(engine.socketPath, engine.dir);
    d = opened(engine.host);
  }, 60_000);
  afterEach(async () => {
    engine.daemon.signal('SIGCONT');
    await d.end();
    await engine.end();
  }, 60_000);

  const containers = async (): Promise<readonly ListedJson[]> => {
    const raw = new Connection(() => ({ url: engine.host, saidBy: 'the test', socketPath: engine.socketPath }));
    const { value } = await raw.json<readonly ListedJson[]>({ path: '/containers/json', query: { all: true }, what: 'list', signal: callFor(5000).signal });
    raw.close();
    return value;
  };
  const printsOn = async (records: AsyncIterable<LogRecord>, seen: string[]): Promise<void> => {
    for await (const record of records) if ('bytes' in record) seen.push(Buffer.from(record.bytes).toString('utf8'));
  };

  test('killed: calls say engine-down, the watch says gap when it is back, and what ended meanwhile kept its exit', async () => {
    const stays = await d.start(['sleep', '60']);
    const ends = await d.start(['/bin/sh', '-c', 'sleep 2; exit 42']);
    const hints: Hint[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const hint of d.driver.watch(d.agent, stop.signal)) hints.push(hint);
    })();
    await waitFor('the first hint', () => hints.length === 1);
    const session = await d.driver.exec(stays.target, ['sleep', '60'], { tty: false }, d.call());
    const lines: string[] = [];
    const following = failureOf(printsOn(d.driver.logs(stays.target, 'start', true, d.call()), lines));
    await engine.daemon.end('SIGKILL');
    expect(await within('the command’s end is told', 10_000, session.exit)).toBe('unknown');
    expect(await within('a followed log ends', 10_000, following)).toEqual({ code: 'engine-down', outcome: 'no' });
    expect(await failureOf(d.driver.ping(d.call(2000)))).toEqual({ code: 'engine-down', outcome: 'no' });
    expect(await failureOf(d.driver.inspect(stays.target, d.call(2000)))).toEqual({ code: 'engine-down', outcome: 'no' });
    expect(await failureOf(d.driver.list(d.agent, d.call(2000)))).toEqual({ code: 'engine-down', outcome: 'no' });
    await engine.start();
    await waitFor('the watch says gap again', () => hints.filter((hint) => hint.kind === 'gap').length === 2);
    const found = await d.driver.inspect(stays.target, d.call());
    expect(found).toMatchObject({
      is: 'running',
      startedAt: (stays.observed as { startedAt: string }).startedAt,
      pid: (stays.observed as { pid: number }).pid,
    });
    expect((await d.ended(ends.target)).exit).toMatchObject({ code: 42, signal: null });
    stop.abort();
    await within('the watch ends', 5000, watching);
  });

  test('frozen: no call outlives its signal, and a start that it carries out when it thaws has no twin', async () => {
    const running = await d.start(['sleep', '60']);
    const ref = d.ref();
    const run = await d.runOf(d.specOf(['sleep', '60']));
    await engine.daemon.freeze();
    const begun = performance.now();
    const calls = [
      failureOf(d.driver.ping(d.call(500))),
      failureOf(d.driver.facts(d.call(500))),
      failureOf(d.driver.list(d.agent, d.call(500))),
      failureOf(d.driver.inspect(running.target, d.call(500))),
      failureOf(d.driver.logs(running.target, 'start', false, d.call(500))[Symbol.asyncIterator]().next()),
    ];
    expect(await Promise.all(calls)).toEqual(calls.map(() => ({ code: 'aborted', outcome: 'no' })));
    expect(performance.now() - begun).toBeLessThan(2500);
    engine.daemon.signal('SIGCONT');
    // Whatever the freeze catches of it: the first requests, create, or start.
    for (const afterMs of [0, 3, 8, 15, 40]) {
      const one = afterMs === 0 ? ref : d.ref();
      const starting = failureOf(d.driver.start(one, run, d.call(1000)).then(() => Promise.reject('it ran before the freeze')));
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await engine.daemon.freeze();
      const failure = await starting;
      if (failure !== 'it ran before the freeze') expect(failure).toMatchObject({ code: 'aborted' });
      engine.daemon.signal('SIGCONT');
      const found: Found = await d.driver.inspect({ ref: one, handle: null }, d.call());
      if ((failure as { outcome?: string }).outcome === 'no') expect(found.is).toBe('gone');
      expect(await d.driver.start(one, run, d.call())).toMatchObject({ is: 'running', ref: one });
      expect((await containers()).filter((container) => container.Labels?.['ostler.instance'] === one.instance)).toHaveLength(1);
    }
  });

  test('killed after the signal was sent: the outcome of the stop is unknown', async () => {
    const { target } = await d.start(['/bin/sh', '-c', 'trap "echo got it" TERM; echo ready; while :; do sleep 0.1; done']);
    await d.printed(target, 'ready');
    const stopping = failureOf(d.driver.stop(target, { signal: 'SIGTERM', graceMs: 20_000 }, d.call()));
    await d.printed(target, 'got it');
    await engine.daemon.end('SIGKILL');
    expect(await within('the stop ends', 10_000, stopping)).toEqual({ code: 'engine-down', outcome: 'unknown' });
    await engine.start();
    expect(await d.driver.stop(target, { signal: 'SIGKILL', graceMs: 0 }, d.call())).toMatchObject({ is: 'exited', exit: { signal: 'SIGKILL' } });
  });

  test('with a frozen containerd: it is there and lists, its deep probe fails, and a start is unknown until it goes on', async () => {
    const running = await d.start(['sleep', '60']);
    const pid = Number(readFileSync(join(engine.dir, 'exec/containerd/containerd.pid'), 'utf8'));
    const ref = d.ref();
    const run = await d.runOf(d.specOf(['sleep', '60']));
    process.kill(pid, 'SIGSTOP');
    try {
      await d.driver.ping(d.call(2000));
      expect((await d.driver.list(d.agent, d.call(2000))).instances.map((one) => one.ref.instance)).toContain(running.target.ref.instance);
      expect(await failureOf(d.driver.facts(d.call(1000)))).toEqual({ code: 'aborted', outcome: 'no' });
      expect(await failureOf(d.driver.start(ref, run, d.call(1000)))).toEqual({ code: 'aborted', outcome: 'unknown' });
      expect((await d.driver.inspect(running.target, d.call(2000))).is).toBe('running');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect(await d.driver.start(ref, run, d.call())).toMatchObject({ is: 'running', ref });
    expect((await containers()).filter((one) => one.Labels?.['ostler.instance'] === ref.instance)).toHaveLength(1);
  });

  test('back with another store: its "gone" carries another name, and the first store keeps its own', async () => {
    const { target, observed } = await d.start(['sleep', '60']);
    const before = await d.driver.list(d.agent, d.call());
    await d.driver.stop(target, { signal: 'SIGKILL', graceMs: 0 }, d.call());
    await engine.daemon.end('SIGTERM');
    await engine.start('other');
    const elsewhere = await d.driver.inspect(target, d.call());
    expect(elsewhere.is).toBe('gone');
    expect(elsewhere.engine).not.toBe(observed.engine);
    expect(await d.driver.list(d.agent, d.call())).toEqual({ engine: elsewhere.engine, instances: [] });
    await engine.daemon.end('SIGTERM');
    await engine.start();
    expect((await d.driver.list(d.agent, d.call())).engine).toBe(before.engine);
    expect((await d.driver.inspect(target, d.call())).is).toBe('exited');
  });

  test('looked at alone: nothing is made in it before the first start, and lists meanwhile are not taken for those of another store', async () => {
    const raw = new Connection(() => ({ url: engine.host, saidBy: 'the test', socketPath: engine.socketPath }));
    const volume = async () => (await raw.json({ path: '/volumes/ostler-store', what: 'look', accepts: [404], signal: callFor(5000).signal })).status;
    await d.driver.facts(d.call());
    expect(await d.driver.list(d.agent, d.call())).toEqual({ engine: 'unmarked', instances: [] });
    expect((await d.driver.inspect({ ref: d.ref(), handle: null }, d.call())).is).toBe('gone');
    expect(await volume()).toBe(404);
    // Made as another driver's list is under way.
    const run = await d.runOf(d.specOf(['sleep', '60']));
    const [first, ...lists] = await Promise.all([
      d.driver.start(d.ref(), run, d.call()),
      ...Array.from({ length: 20 }, () => d.driver.list(d.agent, d.call())),
    ]);
    expect(new Set([...lists.map((one) => one.engine), 'unmarked', first.engine])).toEqual(new Set(['unmarked', first.engine]));
    expect(await volume()).toBe(200);
    await d.driver.stop({ ref: first.ref, handle: null }, { signal: 'SIGKILL', graceMs: 0 }, d.call());
    expect((await d.driver.list(d.agent, d.call())).engine).toBe(first.engine);
    raw.close();
  });

  test('dead from the beginning: the watch waits for it, and says gap when it comes', async () => {
    await engine.daemon.end('SIGTERM');
    const stop = new AbortController();
    const hints = d.driver.watch(d.agent, stop.signal)[Symbol.asyncIterator]();
    const first = hints.next();
    expect(await failureOf(d.driver.start(d.ref(), await runBefore(), d.call(2000)))).toEqual({ code: 'engine-down', outcome: 'no' });
    await engine.start();
    expect(await within('the first hint', 10_000, first)).toMatchObject({ value: { kind: 'gap' } });
    stop.abort();
    expect(await hints.next()).toMatchObject({ done: true });
  });

  const runBefore = async () => ({
    spec: d.specOf(['true']),
    artifact: { digest: 'x', inputs: {}, data: { reference: 'x', id: `sha256:${'0'.repeat(64)}`, pull: null } },
    secrets: { files: [], env: {} },
    env: {},
    shares: null,
    gpus: [],
    traffic: 'live' as const,
  });
});
