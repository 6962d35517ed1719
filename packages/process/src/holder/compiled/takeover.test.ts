import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test as anyTest, beforeEach, expect } from 'vitest';
import { type Bench, bench, call, driverOn, ended, logsOf, until } from '../../driver/fixtures/bench.ts';
import { readProcess, readProcessTable } from '../../identity/process-table.ts';
import { isHeld } from '../../instance/lifeline.ts';
import { findBinary } from './binary.ts';

// Left out where there is neither a C compiler nor the package with the binary.
const needsBinary = findBinary().path === null;
const test = anyTest.skipIf(needsBinary);

let b: Bench;
beforeEach(() => {
  b = bench();
});
afterEach(() => b.end());

/** A thousand numbered lines a second until it gets SIGTERM; then the number of the next one goes to stderr. */
const numbers = `
let n = 0;
const began = Date.now();
const more = () => {
  let text = '';
  for (const due = Date.now() - began; n < due; n++) text += n + '\\n';
  if (text) process.stdout.write(text);
};
setInterval(more, 5);
process.on('SIGTERM', () => process.stdout.write('', () => process.stderr.write('end ' + n, () => process.exit(0))));
`;
async function killHolder(dir: string): Promise<void> {
  const pid = Number.parseInt(readFileSync(join(dir, 'holder'), 'utf8'), 10);
  process.kill(pid, 'SIGKILL');
  await until(() => readProcess(pid) === null, 'the end of the holder');
}

async function expectWholeLog(instance: string): Promise<void> {
  const { stdout, stderr, gap } = await logsOf(b.driver, { ref: b.ref(instance), handle: null }, 'start', true);
  const end = Number(/^end (\d+)$/.exec(stderr)?.[1]);
  expect(end).toBeGreaterThan(100);
  expect(stdout).toBe(Array.from({ length: end }, (_, line) => `${line}\n`).join(''));
  expect(gap).toBe(0);
}

test('a killed holder costs no line: a fresh drainer takes over, and the end is told without a code', async () => {
  const target = await b.start([process.execPath, '-e', numbers]);
  const dir = join(b.state, b.agent, 'w', target.ref.instance);
  await until(async () => (await logsOf(b.driver, target)).stdout.length > 500, 'lines');
  await killHolder(dir);
  await until(() => isHeld(join(dir, 'draining')), 'a fresh drainer', 1000);
  const before = (await logsOf(b.driver, target)).stdout.length;
  await until(async () => (await logsOf(b.driver, target)).stdout.length > before + 2000, 'more lines');
  expect((await b.driver.inspect(target, call())).is).toBe('running');
  await b.driver.signal(target, 'SIGTERM', call());
  expect((await ended(b.driver, target)).exit).toEqual({ code: null, signal: null, at: null, oom: 'unknown', evidence: 'inferred' });
  await until(() => !isHeld(join(dir, 'draining')), 'the end of the drainer');
  await expectWholeLog(target.ref.instance);
});

test('a worker that is frozen when its holder is killed goes on when it is thawed', async () => {
  const target = await b.start([process.execPath, '-e', numbers]);
  const dir = join(b.state, b.agent, 'w', target.ref.instance);
  const worker = Number.parseInt(readFileSync(join(dir, 'pid'), 'utf8'), 10);
  process.kill(worker, 'SIGSTOP');
  await until(() => readProcess(worker)?.state === 'T', 'the worker stands still');
  await killHolder(dir);
  process.kill(worker, 'SIGCONT');
  const before = (await logsOf(b.driver, target)).stdout.length;
  await until(async () => (await logsOf(b.driver, target)).stdout.length > before + 500, 'more lines');
  expect((await b.driver.inspect(target, call())).is).toBe('running');
});

test('a holder killed while no agent lives is taken over by the next one', async () => {
  const target = await b.start([process.execPath, '-e', numbers]);
  const dir = join(b.state, b.agent, 'w', target.ref.instance);
  await until(async () => (await logsOf(b.driver, target)).stdout.length > 500, 'lines');
  await b.driver.close();
  await killHolder(dir);
  await until(() => !isHeld(join(dir, 'draining')), 'nobody reads');
  const next = driverOn(b.state);
  try {
    expect((await next.inspect(target, call())).is).toBe('running');
    await until(() => isHeld(join(dir, 'draining')), 'a fresh drainer', 1000);
    await next.signal(target, 'SIGTERM', call());
    await ended(next, target);
    await until(() => !isHeld(join(dir, 'draining')), 'the end of the drainer');
    await expectWholeLog(target.ref.instance);
  } finally {
    await next.close();
  }
});

test('a killed drainer is followed by another', async () => {
  const target = await b.start([process.execPath, '-e', numbers]);
  const dir = join(b.state, b.agent, 'w', target.ref.instance);
  const watching = new AbortController();
  const watched = (async () => {
    for await (const _ of b.driver.watch(b.agent, watching.signal)) if (watching.signal.aborted) break;
  })();
  await killHolder(dir);
  await until(() => isHeld(join(dir, 'draining')), 'a drainer');
  const reading = [...readProcessTable().values()].filter(({ pid }) => {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'ostler-holder\n' && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(b.state);
    } catch {
      return false;
    }
  });
  expect(reading).toHaveLength(1);
  process.kill(reading[0]?.pid as number, 'SIGKILL');
  await until(() => !isHeld(join(dir, 'draining')), 'its end');
  await until(() => isHeld(join(dir, 'draining')), 'another', 3000);
  watching.abort();
  await watched;
});
