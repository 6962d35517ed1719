import type { Target } from '@ostler/sdk';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Bench, bench, call, ended, holders, until } from './fixtures/bench.ts';
import { sleepers, someSeconds } from './fixtures/sleepers.ts';

let b: Bench;
beforeEach(() => {
  b = bench();
});
afterEach(() => b.end());

test('runs with the environment of the worker and gives its exit; stats count the tree', async () => {
  const target = await b.start(['sleep', '60'], { env: { MINE: 'yes' } });
  const session = await b.driver.exec(target, ['sh', '-c', 'cat; echo $MINE $OSTLER_INSTANCE; exit 6'], { tty: false }, call());
  const writer = session.stdin.getWriter();
  await writer.write(Buffer.from('in '));
  await writer.close();
  const text = await new Response(session.stdout as unknown as ReadableStream).text();
  expect(text).toBe(`in yes ${target.ref.instance}\n`);
  expect(await session.exit).toBe(6);
  expect((await b.driver.stats([target], call()))[0]).toMatchObject({ processes: 1 });
});

test('at the very moment of a start it has the environment of the worker, not that of its holder', async () => {
  // Much to take over: the moment between the pid's record and the worker is long enough to be met.
  const much = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`V${index}`, 'x'.repeat(20)]));
  for (let round = 0; round < 5; round++) {
    const target = await b.start(['sleep', '60'], { env: { ...much, MINE: 'yes' } });
    const session = await b.driver.exec(target, ['sh', '-c', 'echo $MINE $OSTLER_INSTANCE'], { tty: false }, call());
    expect(await new Response(session.stdout as unknown as ReadableStream).text()).toBe(`yes ${target.ref.instance}\n`);
  }
});

describe.runIf(process.platform === 'linux')('a command with children', () => {
  const seconds = someSeconds();
  afterEach(() => {
    for (const pid of sleepers(seconds)) process.kill(pid, 'SIGKILL');
  });

  test('gives its exit although a child of it holds the output open', async () => {
    const target = await b.start(['sleep', '60']);
    const session = await b.driver.exec(target, ['sh', '-c', `sleep ${seconds} & exit 3`], { tty: false }, call());
    const late = new Promise((resolve) => setTimeout(resolve, 10_000, 'late').unref());
    expect(await Promise.race([session.exit, late])).toBe(3);
    await session.stdout.cancel();
    await session.stderr.cancel();
  });

  test.each([
    ['', ''],
    [', and which ignores the signal', "trap '' TERM; "],
  ])('that is called off ends with what it has begun%s', async (_, before) => {
    const target = await b.start(['sleep', '60']);
    const callOff = new AbortController();
    const session = await b.driver.exec(target, ['sh', '-c', `${before}sleep ${seconds}; true`], { tty: false }, { ...call(), signal: callOff.signal });
    await until(() => sleepers(seconds).length === 1, 'the child of the command');
    callOff.abort();
    await session.exit;
    await until(() => sleepers(seconds).length === 0, 'its end');
  });

  describe.each(holders)('of a worker with the %s holder', (_, holderOn) => {
    let own: Bench;
    beforeEach(() => {
      own = bench(holderOn);
    });
    afterEach(() => own.end());

    /** A worker beside which a command has left a process of its own session. */
    const withLeft = async (command: readonly string[]): Promise<Target> => {
      const target = await own.start(command);
      const session = await own.driver.exec(target, ['sh', '-c', `setsid sleep ${seconds} >/dev/null 2>&1 & exit 0`], { tty: false }, call());
      expect(await session.exit).toBe(0);
      await until(() => sleepers(seconds).length === 1, 'what it leaves');
      return target;
    };

    test.each([
      ['', ['sleep', '60']],
      [', of a worker that has dropped its mark', ['env', '-i', 'PATH=/usr/bin:/bin', 'sleep', '60']],
    ])('a stop ends what they left running%s', async (_, command) => {
      const target = await withLeft(command);
      const found = await own.driver.stop(target, { signal: 'SIGTERM', graceMs: 1000 }, call());
      expect(found).toMatchObject({ is: 'exited' });
      expect(found).not.toHaveProperty('left');
      expect(sleepers(seconds)).toEqual([]);
    });

    test('after its end what they left is told, and is ended', async () => {
      const target = await withLeft(['sleep', '60']);
      await own.driver.signal(target, 'SIGKILL', call());
      expect((await ended(own.driver, target)).left).toEqual([expect.stringContaining(`sleep ${seconds}`)]);
      await own.driver.remove(target, call());
      expect(sleepers(seconds)).toEqual([]);
    });

    test('a stop ends one that still runs, and its exit is told', async () => {
      const target = await own.start(['sleep', '60']);
      const session = await own.driver.exec(target, ['sleep', String(seconds)], { tty: false }, call());
      await until(() => sleepers(seconds).length === 1, 'the command');
      await own.driver.stop(target, { signal: 'SIGTERM', graceMs: 1000 }, call());
      // The sh holder does not tell it from what the worker began, which is asked first.
      expect([128 + 9, 128 + 15]).toContain(await session.exit);
    });
  });
});
