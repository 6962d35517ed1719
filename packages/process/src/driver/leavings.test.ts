import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { RuntimeDriver } from '@ostler/sdk';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Bench, bench, call, driverOn, ended, holders, logsOf, runOf, specOf, until } from './fixtures/bench.ts';
import { sleepers, someSeconds } from './fixtures/sleepers.ts';

describe.each(holders)('what a worker left running when it ended, with the %s holder', (_, holderOn) => {
  let b: Bench;
  let seconds: number;
  beforeEach(() => {
    b = bench(holderOn);
    seconds = someSeconds();
  });
  afterEach(() => b.end());

  /** Ends by itself at once and leaves a process of its own session, which does `atTerm` when it is asked to end. */
  const leaving = (atTerm: string): readonly string[] => [
    'sh',
    '-c',
    `setsid sh -c 'trap "${atTerm}" TERM; echo ready; sleep ${seconds} & while :; do wait; done' & sleep 0.3; exit 3`,
  ];
  const next = () => b.driver.start(b.ref(), runOf(specOf(['sleep', '60'])), call());

  test('is given a moment to end by itself', async () => {
    const target = await b.start(['sh', '-c', 'setsid sh -c "sleep 0.4; echo last words" & sleep 0.2; exit 0']);
    expect((await ended(b.driver, target)).left).toBeDefined();
    await next();
    expect((await logsOf(b.driver, target)).stdout).toBe('last words\n');
  });

  test('is asked to end by what its end is seen with, as its worker is', async () => {
    const mark = join(b.state, 'asked');
    const target = await b.start(leaving(`echo > ${mark}; kill %1; exit`));
    expect((await ended(b.driver, target)).left?.join()).toContain(`sleep ${seconds}`);
    await until(() => existsSync(mark) && sleepers(seconds).length === 0, 'its end');
  });

  test('is heard until it has ended', async () => {
    const target = await b.start(leaving('sleep 0.3; echo last words; kill %1; exit'));
    expect((await ended(b.driver, target)).left?.join()).not.toContain('/err.');
    await next();
    expect((await logsOf(b.driver, target)).stdout).toBe('ready\nlast words\n');
  });

  test('is gone when the next instance of that worker is started', async () => {
    const mark = join(b.state, 'asked');
    const target = await b.start(leaving(`sleep 0.7; echo > ${mark}; kill %1; exit`));
    await ended(b.driver, target);
    await next();
    expect(existsSync(mark)).toBe(true);
    expect(sleepers(seconds)).toEqual([]);
  });

  test('is killed after the grace of its worker', async () => {
    const target = await b.start(leaving(':'), { stop: { signal: 'SIGTERM', graceMs: 500 } });
    await ended(b.driver, target);
    const sinceMs = performance.now();
    await next();
    expect(performance.now() - sinceMs).toBeGreaterThan(1400);
    expect(sleepers(seconds)).toEqual([]);
  });

  test('keeps the start of the next instance waiting no longer than its call lasts', async () => {
    const target = await b.start(leaving(':'), { stop: { signal: 'SIGTERM', graceMs: 60_000 } });
    await ended(b.driver, target);
    const starting = b.driver.start(b.ref(), runOf(specOf(['sleep', '60'])), call(20_000, AbortSignal.timeout(300)));
    await expect(starting).rejects.toMatchObject({ code: 'aborted', outcome: 'no' });
  });

  test.each([
    ['before it starts that worker again', (later: RuntimeDriver) => later.start(b.ref(), runOf(specOf(['sleep', '60'])), call())],
    ['when it lists what is there', (later: RuntimeDriver) => later.list(b.agent, call())],
  ])('is ended by an agent that comes after the one that saw it, %s', async (_, ask) => {
    const target = await b.start(leaving('kill %1; exit'));
    await ended(b.driver, target);
    await b.driver.close();
    expect(sleepers(seconds)).toHaveLength(1);
    const later = driverOn(b.state, holderOn?.(b.state));
    await ask(later);
    await until(() => sleepers(seconds).length === 0, 'its end');
    await later.close();
  });

  test('is waited for by a preparation, a stop that lasts is not', async () => {
    const prepare = () =>
      b.driver.prepare({ spec: specOf(['true']), artifact: { digest: 'sha256:0', inputs: {}, data: null }, secrets: { files: [], env: {} } }, call());
    const target = await b.start(leaving('kill %1; exit'));
    await ended(b.driver, target);
    await prepare();
    expect(sleepers(seconds)).toEqual([]);
    const stubborn = await b.start(['sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done']);
    const stopping = b.driver.stop(stubborn, { signal: 'SIGTERM', graceMs: 2000 }, call());
    await prepare();
    expect((await b.driver.inspect(stubborn, call())).is).toBe('running');
    await stopping;
  });

  test('is gone when its instance has been removed', async () => {
    const target = await b.start(leaving('sleep 0.3; kill %1; exit'));
    await ended(b.driver, target);
    await b.driver.remove(target, call());
    expect(sleepers(seconds)).toEqual([]);
    expect((await b.driver.inspect(target, call())).is).toBe('gone');
  });
});
