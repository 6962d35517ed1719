import { type ChildProcess, spawn } from 'node:child_process';
import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Bench, bench, call, ended, logsOf, until } from './fixtures/bench.ts';

let b: Bench;
let agent: ChildProcess | undefined;
beforeEach(() => {
  b = bench();
});
afterEach(() => b.end());

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;

/** Resolves when the agent has started all; it is a process of its own. */
async function startAgent(workers: Record<string, readonly string[]>, uid?: number): Promise<void> {
  agent = spawn(process.execPath, ['--conditions=@ostler/source', join(import.meta.dirname, 'fixtures/agent.ts'), b.state, b.agent, JSON.stringify(workers)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let out = '';
  agent.stdout?.on('data', (bytes) => {
    out += bytes;
  });
  await until(() => out.includes('started') || agent?.exitCode !== null, 'the agent');
  expect(out).toContain('started');
}

async function killAgent(): Promise<void> {
  agent?.kill('SIGKILL');
  await until(() => agent?.signalCode, 'the death of the agent');
}

const target = (instance: string) => ({ ref: b.ref(instance), handle: null });

const codes = Array.from({ length: 10 }, (_, code) => code);
const signals = ['SIGTERM', 'SIGKILL', 'SIGINT', 'SIGSEGV', 'SIGUSR1'];
/** Workers that end, each in its way, once the file `go` exists. */
const enders = (): Record<string, readonly string[]> => {
  const wait = `while [ ! -e ${b.state}/go ]; do sleep 0.002; done`;
  return {
    ...Object.fromEntries(codes.map((code) => [`c${code}`, ['sh', '-c', `${wait}; exit ${code}`]])),
    ...Object.fromEntries(signals.map((signal) => [`s${signal.toLowerCase()}`, ['sh', '-c', `${wait}; kill -${signal.slice(3)} $$`]])),
  };
};

async function expectOwnExits(): Promise<void> {
  for (const code of codes) expect((await ended(b.driver, target(`c${code}`))).exit).toMatchObject({ code, signal: null, evidence: 'holder' });
  for (const signal of signals)
    expect((await ended(b.driver, target(`s${signal.toLowerCase()}`))).exit).toMatchObject({ code: null, signal, evidence: 'holder' });
}

const users: readonly (readonly [string, number | undefined])[] = isRoot
  ? [
      ['as root', undefined],
      ['as an ordinary user', nobody],
    ]
  : [['as this user', undefined]];

test.each(users)(
  'exits that happen while no agent lives keep their codes and signals, %s',
  async (_, uid) => {
    if (uid !== undefined) chownSync(b.state, uid, uid);
    await startAgent(enders(), uid);
    await killAgent();
    expect((await b.driver.list(b.agent, call())).instances.filter((one) => one.is === 'running')).toHaveLength(15);
    writeFileSync(join(b.state, 'go'), '');
    await expectOwnExits();
  },
  60_000,
);

test('exits within ms of the kill of the agent keep their codes and signals', async () => {
  await startAgent(enders());
  writeFileSync(join(b.state, 'go'), '');
  await killAgent();
  await expectOwnExits();
}, 60_000);

test('over ten kills of the agent no worker restarts and no line is lost or doubled', async () => {
  const lines = 3000;
  const script = `let n = 0; const t = setInterval(() => { for (let i = 0; i < 10; i++) console.log(n++); if (n === ${lines}) clearInterval(t); }, 10)`;
  await startAgent({ lines: [process.execPath, '-e', script] });
  const pid = (found: Awaited<ReturnType<typeof b.driver.inspect>>) => (found.is === 'running' ? found.pid : undefined);
  const first = pid(await b.driver.inspect(target('lines'), call()));
  for (let kills = 0; kills < 10; kills++) {
    await killAgent();
    await startAgent({});
    const now = await b.driver.inspect(target('lines'), call());
    if (now.is === 'running') expect(pid(now)).toBe(first);
  }
  await killAgent();
  await ended(b.driver, target('lines'));
  const all = await logsOf(b.driver, target('lines'), 'start', true);
  expect(all.stdout.trim().split('\n').map(Number)).toEqual(Array.from({ length: lines }, (_, line) => line));
}, 60_000);
