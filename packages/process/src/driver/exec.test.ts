import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Bench, bench, call, until } from './fixtures/bench.ts';
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
});
