import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Hint, isRuntimeFailure } from '@ostler/sdk';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Holder, HolderStart } from '../holder/holder.ts';
import { shHolder } from '../holder/sh-holder.ts';
import { makeInstance } from '../instance/directory.ts';
import { findTools } from '../launch/wrapper.ts';
import { type Bench, bench, call, driverOn, ended, logsOf, runOf, specOf, until } from './fixtures/bench.ts';

let b: Bench;
beforeEach(() => {
  b = bench();
});
afterEach(() => b.end());
const kill = { signal: 'SIGTERM', graceMs: 100 };

describe('start', () => {
  test('two starts of one ref at once, also from two drivers, are one process', async () => {
    const ref = b.ref();
    const other = driverOn(b.state);
    const run = runOf(specOf(['sh', '-c', 'echo one; exec sleep 60']));
    const found = await Promise.allSettled([b.driver.start(ref, run, call()), b.driver.start(ref, run, call()), other.start(ref, run, call())]);
    const pids = found.flatMap((one) => (one.status === 'fulfilled' && one.value.is === 'running' ? [one.value.pid] : []));
    expect(pids.length).toBeGreaterThanOrEqual(2);
    expect(new Set(pids).size).toBe(1);
    const target = { ref, handle: null };
    await until(async () => (await logsOf(b.driver, target)).stdout, 'output');
    expect((await logsOf(b.driver, target)).stdout).toBe('one\n');
    await other.close();
  });

  test('an instance that exited is returned, not started again; another generation is a conflict', async () => {
    const target = await b.start(['true']);
    await ended(b.driver, target);
    expect((await b.driver.start(target.ref, runOf(specOf(['true'])), call())).is).toBe('exited');
    await expect(b.driver.start({ ...target.ref, generation: '2-b' }, runOf(specOf(['true'])), call())).rejects.toMatchObject({
      code: 'conflict',
      outcome: 'no',
    });
  });

  test('an agent that died before its holder ran leaves "created", which start carries on', async () => {
    const dead = new Error('killed');
    const start = async ({ dir, spec }: HolderStart): Promise<null> => {
      await makeInstance(dir, spec, async () => {});
      throw dead;
    };
    const driver = driverOn(b.state, { ...shHolder(findTools, b.state), start });
    const ref = b.ref();
    await expect(driver.start(ref, runOf(specOf(['true'])), call())).rejects.toSatisfy(isRuntimeFailure);
    expect((await b.driver.list(b.agent, call())).instances).toMatchObject([{ ref, is: 'created' }]);
    expect((await b.driver.inspect({ ref, handle: null }, call())).is).toBe('created');
    await b.driver.start(ref, runOf(specOf(['sh', '-c', 'exit 4'])), call());
    expect((await ended(b.driver, { ref, handle: null })).exit.code).toBe(4);
  });

  test('an agent that died while it handed over the environment runs no worker', async () => {
    const ref = b.ref();
    const cut: Holder = {
      ...shHolder(findTools, b.state),
      start: async ({ dir, spec, command }) => {
        await makeInstance(dir, spec, async (fresh) => void execFileSync('mkfifo', ['alive', 'draining', 'out.p', 'err.p'], { cwd: fresh }));
        const child = spawn('/bin/sh', [join(import.meta.dirname, '../../holder/holder.sh'), dir, '4096', '/', '--', ...command], {
          detached: true,
          stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
        });
        (child.stdio[3] as NodeJS.WritableStream).end("export A='half");
        return null;
      },
    };
    await expect(driverOn(b.state, cut).start(ref, runOf(specOf(['true'])), call())).rejects.toMatchObject({ outcome: 'no' });
    await until(async () => (await b.driver.inspect({ ref, handle: null }, call())).is === 'created', 'created');
    await b.driver.start(ref, runOf(specOf(['sh', '-c', 'exit 3'])), call());
    expect((await ended(b.driver, { ref, handle: null })).exit.code).toBe(3);
  });

  test.each([
    [
      'a command that does not exist',
      { command: ['no-such-program'], env: { PATH: '/usr/bin:/bin' } },
      'not-found',
      'command "no-such-program" was not found in PATH /usr/bin:/bin',
    ],
    ['a command that is not executable', { command: ['/etc/passwd'] }, 'invalid', 'command "/etc/passwd" is not executable: /etc/passwd; try chmod +x'],
    ['a missing working directory', { command: ['true'], workingDir: '/no/such/place' }, 'not-found', 'the working directory /no/such/place does not exist'],
    ['an unknown user', { command: ['true'], user: 'no-such-user' }, 'invalid', 'the user "no-such-user" does not exist on this host'],
    [
      'a name that is no variable',
      { command: ['true'], env: { 'A B': 'x' } },
      'invalid',
      'env "A B" is no name for an environment variable: use letters, digits and _',
    ],
  ])('%s is refused before anything is made', async (_, more, code, message) => {
    await expect(b.start(more.command, more)).rejects.toMatchObject({ code, outcome: 'no', message });
    expect((await b.driver.list(b.agent, call())).instances).toEqual([]);
  });

  test('limits on open files and no new privileges reach the worker', async () => {
    const target = await b.start(['sh', '-c', 'ulimit -n; grep NoNewPrivs /proc/self/status; umask'], {
      ulimits: { nofile: { soft: 100, hard: 100 } },
      noNewPrivileges: true,
    });
    await ended(b.driver, target);
    expect((await logsOf(b.driver, target)).stdout).toMatch(/^100\nNoNewPrivs:\s+1\n0022\n$/);
  });
});

describe.each([[['/bin/sh']], [['bash', '--posix']], [['dash']]])('the holder under %j', (shell) => {
  test('keeps codes and signals, both streams and a last line without newline', async () => {
    const own = bench((state) => shHolder(findTools, state, shell));
    try {
      for (const [script, exit] of [
        ['printf out; printf err >&2; exit 5', { code: 5, signal: null }],
        ['kill -KILL $$', { code: null, signal: 'SIGKILL' }],
        ['kill -INT $$', { code: null, signal: 'SIGINT' }],
        ['kill -TERM 0', { code: null, signal: 'SIGTERM' }],
      ] as const) {
        const target = await own.start(['sh', '-c', script]);
        expect((await ended(own.driver, target)).exit).toMatchObject({ ...exit, evidence: 'holder' });
        if (exit.code === 5) expect(await logsOf(own.driver, target, 'start', true)).toMatchObject({ stdout: 'out', stderr: 'err', gap: 0 });
      }
    } finally {
      await own.end();
    }
  });

  test('hands the environment over whole, and the worker has default signals', async () => {
    const own = bench((state) => shHolder(findTools, state, shell));
    try {
      const odd = `${Array.from({ length: 255 }, (_, index) => String.fromCodePoint(index + 1)).join('')}'\n\\'\n$(id)\`id\`\u{10401}\n\n`;
      const target = await own.start(
        ['node', '-e', 'process.stdout.write(JSON.stringify([process.env.ODD, process.env.D]) + require("fs").readFileSync("/proc/self/status"))'],
        { env: { ODD: odd, D: 'mine' } },
      );
      await ended(own.driver, target);
      const [json = '', status = ''] = Buffer.from((await logsOf(own.driver, target, 'start', true)).stdout, 'latin1')
        .toString()
        .split(/(?<=\])Name/);
      expect(JSON.parse(json)).toEqual([odd, 'mine']);
      // Node itself ignores SIGPIPE (bit 12) and SIGXFSZ (bit 24).
      expect(Number.parseInt(/SigIgn:\s+(\w+)/.exec(status)?.[1] ?? 'f', 16) & ~((1 << 12) | (1 << 24))).toBe(0);
    } finally {
      await own.end();
    }
  });
});

describe('secrets', () => {
  test('no environment value and no secret is in the instance directory, in an argv or in the environment of holder and drainers', async () => {
    const canary = `canary${Date.now()}x`;
    const files = [{ name: 'deep/token', bytes: Buffer.from(canary), mode: 0o400 }];
    const target = await b.start(
      ['sh', '-c', 'cat "$OSTLER_SECRETS/deep/token" >/dev/null && echo read; exec sleep 60'],
      { env: { PLAIN: canary } },
      { files, env: { TOKEN: canary } },
    );
    await until(async () => (await logsOf(b.driver, target)).stdout === 'read\n', 'the worker to read its secret');
    const dir = join(b.state, b.agent, 'w', target.ref.instance);
    for (const name of readdirSync(dir)) if (statSync(join(dir, name)).isFile()) expect(readFileSync(join(dir, name), 'latin1')).not.toContain(canary);
    const found = await b.driver.inspect(target, call());
    const worker = found.is === 'running' ? String(found.pid) : '';
    let looked = 0;
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).not.toContain(canary);
        if (pid !== worker) expect(readFileSync(`/proc/${pid}/environ`, 'latin1')).not.toContain(canary);
        looked++;
      } catch (error) {
        if (!('code' in (error as object))) throw error;
      }
    }
    expect(looked).toBeGreaterThan(3);
    expect(JSON.stringify([found, await b.driver.list(b.agent, call()), await b.driver.facts(call())])).not.toContain(canary);
    const secrets = join(b.state, 'secrets', 'w', target.ref.instance);
    expect(statSync(secrets).mode & 0o777).toBe(0o700);
    expect(statSync(join(secrets, 'deep/token')).mode & 0o777).toBe(0o400);
    await b.driver.stop(target, kill, call());
    expect(existsSync(secrets)).toBe(false);
  });

  test('secret files are gone once a crash has been seen', async () => {
    const target = await b.start(['sh', '-c', 'kill -KILL $$'], {}, { files: [{ name: 'a', bytes: Buffer.from('x'), mode: 0o600 }], env: {} });
    await ended(b.driver, target);
    expect(existsSync(join(b.state, 'secrets', 'w', target.ref.instance))).toBe(false);
  });
});

describe('identity', () => {
  test('a reused pid is not the worker: it is neither running nor signalled', async () => {
    const target = await b.start(['sleep', '60']);
    const file = join(b.state, b.agent, 'w', target.ref.instance, 'pid');
    const bystander = spawn('sleep', ['60'], { env: { PATH: process.env['PATH'] } });
    const before = readFileSync(file, 'utf8');
    const [, start, boot] = before.trim().split(' ');
    // The holder goes too, or it would be waited for.
    await b.driver.stop(target, { signal: 'SIGKILL', graceMs: 0 }, call());
    writeFileSync(file, `${bystander.pid} ${start}1 ${boot}\n`);
    await expect(b.driver.signal(target, 'SIGKILL', call())).rejects.toMatchObject({ code: 'not-running' });
    expect((await b.driver.stop(target, kill, call())).is).toBe('exited');
    expect(bystander.exitCode ?? bystander.signalCode).toBe(null);
    bystander.kill('SIGKILL');
  });

  test('a record of another boot is exited, inferred, and no process of this boot is taken for its', async () => {
    const target = await b.start(['sleep', '60']);
    const file = join(b.state, b.agent, 'w', target.ref.instance, 'pid');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, before.replace(/\S+\n$/, '00000000-0000-0000-0000-000000000000\n'));
    const found = await b.driver.inspect(target, call());
    expect(found).toMatchObject({ is: 'exited', exit: { code: null, signal: null, evidence: 'inferred' } });
    expect(found).not.toHaveProperty('left');
    writeFileSync(file, before);
  });

  test('a directory that cannot be understood makes list and inspect throw: it is not "gone"', async () => {
    const target = await b.start(['true']);
    await ended(b.driver, target);
    // While its lifeline is held a list does not look at its records: the end of that comes a moment after the exit record.
    await until(async () => (await b.driver.list(b.agent, call())).instances.every(({ is }) => is === 'exited'), 'the list tells of its end');
    const file = join(b.state, b.agent, 'w', target.ref.instance, 'spec.json');
    const before = readFileSync(file);
    writeFileSync(file, '{"protocol":99}');
    await expect(b.driver.list(b.agent, call())).rejects.toMatchObject({ code: 'internal' });
    await expect(b.driver.inspect(target, call())).rejects.toMatchObject({ code: 'internal' });
    writeFileSync(file, before);
  });
});

describe('stop and remove', () => {
  test('stop twice and remove twice succeed; remove of a running one is a conflict', async () => {
    const target = await b.start(['sleep', '60']);
    await expect(b.driver.remove(target, call())).rejects.toMatchObject({ code: 'conflict', outcome: 'no' });
    expect(await b.driver.stop(target, kill, call())).toMatchObject({ is: 'exited', exit: { signal: 'SIGTERM' } });
    expect((await b.driver.stop(target, kill, call())).is).toBe('exited');
    await b.driver.remove(target, call());
    await b.driver.remove(target, call());
    expect((await b.driver.inspect(target, call())).is).toBe('gone');
    expect((await b.driver.stop(target, kill, call())).is).toBe('gone');
  });

  test.skipIf(process.platform !== 'linux')('a real-time signal reaches the worker too', async () => {
    const target = await b.start(['sh', '-c', 'trap "exit 9" 37; echo ready; while :; do sleep 0.05; done']);
    await until(async () => (await logsOf(b.driver, target)).stdout, 'output');
    expect(await b.driver.stop(target, { signal: 'SIGRTMIN+3', graceMs: 10_000 }, call())).toMatchObject({ exit: { code: 9, evidence: 'holder' } });
    await expect(b.driver.stop(target, { signal: 'SIGRTMIN+31', graceMs: 0 }, call())).rejects.toMatchObject({ code: 'invalid', outcome: 'no' });
  });

  test('the stop signal of choice reaches the worker, whose last words are kept', async () => {
    const target = await b.start(['sh', '-c', 'trap "echo last words; exit 9" USR1; echo up; while :; do sleep 0.05; done']);
    await until(async () => (await logsOf(b.driver, target)).stdout, 'up');
    expect(await b.driver.stop(target, { signal: 'SIGUSR1', graceMs: 10_000 }, call())).toMatchObject({ exit: { code: 9, evidence: 'holder' } });
    expect((await logsOf(b.driver, target)).stdout).toBe('up\nlast words\n');
  });

  test('close leaves workers running', async () => {
    const target = await b.start(['sleep', '60']);
    await b.driver.close();
    expect((await driverOn(b.state).inspect(target, call())).is).toBe('running');
  });
});

test('watch says gap first, then tells of an end, also of one that another driver started', async () => {
  const target = await b.start(['sleep', '60']);
  const other = driverOn(b.state);
  const stop = new AbortController();
  const hints: Hint[] = [];
  const watching = (async () => {
    for await (const hint of other.watch(b.agent, stop.signal)) hints.push(hint);
  })();
  await until(() => hints.length, 'gap');
  expect(hints[0]?.kind).toBe('gap');
  await b.driver.signal(target, 'SIGKILL', call());
  await until(() => hints.some((hint) => hint.kind === 'changed' && hint.ref.instance === target.ref.instance), 'the hint');
  stop.abort();
  await watching;
  await other.close();
});

test('every value survives structuredClone', async () => {
  const target = await b.start(['true']);
  const values = [await ended(b.driver, target), await b.driver.list(b.agent, call()), await b.driver.facts(call()), await b.driver.stats([target], call())];
  expect(structuredClone(values)).toEqual(values);
});
