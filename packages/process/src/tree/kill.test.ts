import { spawn } from 'node:child_process';
import { chownSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Bench, bench, call, driverOn, holders, logsOf, runOf, specOf, until } from '../driver/fixtures/bench.ts';
import { isAliveState } from '../identity/process-stat.ts';
import { readEnvironment, readProcess, readProcessTable } from '../identity/process-table.ts';
import { bearsMark } from './members.ts';

const isRoot = process.getuid?.() === 0;
/** Ignores SIGTERM; so do a child in a session of its own, and one that was forked twice and left to init. */
const stubborn = ['sh', '-c', "trap '' TERM; setsid sleep 300 & (setsid sh -c 'sleep 301 & sleep 302' &) ; echo up; while :; do sleep 1; done"];
const marked = (agent: string, instance: string) =>
  [...readProcessTable().values()].filter(
    (entry) => isAliveState(entry.state) && bearsMark(readEnvironment(entry.pid) ?? [], { agent, worker: 'w', generation: '', instance }),
  );

describe.each(holders)('a worker of the %s holder', (name, holderOn) => {
  let b: Bench;
  beforeEach(() => {
    b = bench(holderOn);
  });
  afterEach(() => b.end());
  test('a worker that forks, calls setsid and ignores SIGTERM is gone after stop, with its whole tree', async () => {
    const target = await b.start(stubborn);
    await until(() => marked(b.agent, target.ref.instance).length >= 5, 'the tree');
    const found = await b.driver.stop(target, { signal: 'SIGTERM', graceMs: 100 }, call());
    expect(found).toMatchObject({ is: 'exited', exit: { signal: 'SIGKILL' } });
    expect(found).not.toHaveProperty('left');
    expect(marked(b.agent, target.ref.instance)).toEqual([]);
  });

  const slowly = `sh -c 'trap "echo asked; sleep 0.6; echo saved; exit" TERM; echo up; while :; do sleep 0.05; done'`;
  test.each([
    ['in its group', slowly],
    ['in a session of its own', `setsid ${slowly}`],
  ])('a server behind a shell, %s, is asked once and gets the grace, although the shell ends at once', async (_, server) => {
    const target = await b.start(['sh', '-c', `${server}; exit`]);
    await until(async () => (await logsOf(b.driver, target)).stdout === 'up\n', 'the server');
    const found = await b.driver.stop(target, { signal: 'SIGTERM', graceMs: 20_000 }, call(60_000));
    expect((await logsOf(b.driver, target)).stdout).toBe('up\nasked\nsaved\n');
    expect(found).toMatchObject({ is: 'exited' });
    expect(marked(b.agent, target.ref.instance)).toEqual([]);
  });

  test('what ignores the signal behind a shell that ends at once is killed after the grace', async () => {
    const target = await b.start(['sh', '-c', `sh -c 'trap "" TERM; echo up; while :; do sleep 0.05; done'; exit`]);
    await until(async () => (await logsOf(b.driver, target)).stdout === 'up\n', 'the server');
    const sinceMs = performance.now();
    await b.driver.stop(target, { signal: 'SIGTERM', graceMs: 800 }, call(60_000));
    expect(performance.now() - sinceMs).toBeGreaterThan(750);
    expect(marked(b.agent, target.ref.instance)).toEqual([]);
  });

  test.runIf(isRoot)('a process that dropped its environment, parents and session is found by the cgroup', async (context) => {
    if ((await b.driver.facts(call())).notes.some((note) => note.startsWith('no cgroup'))) context.skip();
    const target = await b.start(['sh', '-c', '(setsid env -i /bin/sh -c "echo \\$\\$; exec sleep 300" &); while :; do sleep 1; done']);
    const pid = Number(await until(async () => (await logsOf(b.driver, target)).stdout.trim(), 'its pid'));
    await b.driver.stop(target, { signal: 'SIGTERM', graceMs: 50 }, call());
    const left = readProcess(pid);
    expect(left === null || !isAliveState(left.state)).toBe(true);
  });

  test.runIf(process.platform === 'linux')('a process that began before the worker is none of its own, whatever mark it bears', async () => {
    const ref = b.ref();
    const bystander = spawn('sleep', ['300'], { env: { PATH: process.env['PATH'], OSTLER_INSTANCE: ref.instance }, stdio: 'ignore' });
    // Their starts are told in hundredths of a second (proc_pid_stat(5)).
    await until(() => readProcess(bystander.pid!)?.command === 'sleep', 'the bystander');
    const before = Number(readProcess(bystander.pid!)?.start);
    await until(() => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 100 > before + 2, 'the next hundredth');
    await b.driver.start(ref, runOf(specOf(['sleep', '300'])), call());
    const holder = Number.parseInt(readFileSync(join(b.state, b.agent, 'w', ref.instance, 'holder'), 'utf8'), 10);
    process.kill(holder, 'SIGKILL');
    const found = await b.driver.stop({ ref, handle: null }, { signal: 'SIGKILL', graceMs: 0 }, call());
    expect(found.is).toBe('exited');
    expect(bystander.exitCode ?? bystander.signalCode).toBe(null);
    bystander.kill('SIGKILL');
  });

  test('a tree that forks without end is gone after stop', async () => {
    const target = await b.start([
      'sh',
      '-c',
      'f() { n=$1; while [ $n -gt 0 ]; do setsid sleep 300 & n=$((n-1)); sleep 0.002; done; }; f 300 & f 300 & wait; sleep 300',
    ]);
    await until(() => marked(b.agent, target.ref.instance).length > 20, 'the forks');
    await b.driver.stop(target, { signal: 'SIGTERM', graceMs: 0 }, call());
    expect(marked(b.agent, target.ref.instance)).toEqual([]);
  });

  test.runIf(isRoot)('an ordinary user ends such a tree too, by OSTLER_INSTANCE', async () => {
    chownSync(b.state, 65_534, 65_534);
    const ref = b.ref();
    const agent = spawn(
      process.execPath,
      ['--conditions=@ostler/source', join(import.meta.dirname, 'fixtures/stopper.ts'), b.state, JSON.stringify(ref), JSON.stringify(stubborn)],
      { uid: 65_534, gid: 65_534, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...(name === 'sh' ? { OSTLER_HOLDER: 'sh' } : {}) } },
    );
    let out = '';
    agent.stdout.on('data', (bytes) => {
      out += bytes;
    });
    await until(() => agent.exitCode !== null, 'the agent');
    const answer = JSON.parse(out);
    expect(answer.before).toBeGreaterThanOrEqual(5);
    expect(answer.found).toMatchObject({ is: 'exited', exit: { signal: 'SIGKILL' } });
    expect(marked(b.agent, ref.instance)).toEqual([]);
  });

  test('what a worker left behind is named, and goes with stop', async () => {
    const target = await b.start(['sh', '-c', 'setsid sleep 333 & sleep 0.2; exit 0']);
    const found = await until(async () => {
      const seen = await b.driver.inspect(target, call());
      return seen.is === 'exited' ? seen : null;
    }, 'the end');
    expect(found.left).toEqual([expect.stringMatching(/^\d+ (?:setsid )?sleep 333$/)]);
    await b.driver.stop(target, { signal: 'SIGTERM', graceMs: 0 }, call());
    expect(marked(b.agent, target.ref.instance)).toEqual([]);
  });

  test('the holder killed: the worker runs on, its output is kept, and its end is seen without a code', async () => {
    const target = await b.start(['sh', '-c', 'while :; do echo tick; sleep 0.01; done']);
    const dir = join(b.state, b.agent, 'w', target.ref.instance);
    process.kill(Number.parseInt(readFileSync(join(dir, 'holder'), 'utf8'), 10), 'SIGKILL');
    const before = (await logsOf(b.driver, target)).stdout.length;
    await until(async () => (await logsOf(b.driver, target)).stdout.length > before + 20, 'more output');
    expect((await b.driver.inspect(target, call())).is).toBe('running');
    await b.driver.signal(target, 'SIGKILL', call());
    await until(async () => (await driverOn(b.state).inspect(target, call())).is === 'exited', 'the end');
    expect(await b.driver.inspect(target, call())).toMatchObject({ is: 'exited', exit: { code: null, signal: null, evidence: 'inferred' } });
  });

  test.runIf(name === 'sh')('a drainer killed does not kill the worker', async () => {
    const target = await b.start(['sh', '-c', 'while :; do echo tick; sleep 0.01; done']);
    const dir = join(b.state, b.agent, 'w', target.ref.instance);
    const drainer = [...readProcessTable().keys()].filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${dir}/out.`);
      } catch {
        return false;
      }
    });
    expect(drainer).toHaveLength(1);
    process.kill(drainer[0] as number, 'SIGKILL');
    await until(() => readProcess(drainer[0] as number)?.state !== 'S', 'the drainer to go');
    await b.driver.signal(target, 'SIGCONT', call());
    expect((await b.driver.inspect(target, call())).is).toBe('running');
  });
});
