import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, test as anyTest, beforeEach, describe, expect } from 'vitest';
import { noCgroups } from '../../cgroup/cgroup.ts';
import { cgroupHomes } from '../../cgroup/place.ts';
import { type Bench, bench, call, driverOn, ended, runOf, specOf, until } from '../../driver/fixtures/bench.ts';
import { type InstanceSpec, instancePath, readIdentity } from '../../instance/directory.ts';
import type { HolderStart } from '../holder.ts';
import { findBinary } from './binary.ts';
import { Launcher } from './launcher.ts';
import { holdRecord } from './record.ts';
import { type Reply, ReplyReader } from './reply.ts';

// Left out where there is neither a C compiler nor the package with the binary.
const needsBinary = findBinary().path === null;
const test = anyTest.skipIf(needsBinary);

const hasCgroups = process.getuid?.() === 0 && cgroupHomes().some((home) => existsSync(join(home, 'cgroup.procs')));

const binary = findBinary().path as string;
const folder = mkdtempSync(join(tmpdir(), 'ostler-launcher-'));
let b: Bench;
beforeEach(() => {
  b = bench();
});
afterEach(async () => {
  await b.end();
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

function startOf(command: readonly string[]): HolderStart {
  const ref = { agent: 'a', worker: 'w', generation: '1-a', instance: 'i' };
  const spec: InstanceSpec = {
    ...{ protocol: 1, ref, command, cwd: '/', user: null, holder: 'compiled', segments: 'framed', exit: 'fixed', segmentBytes: 4096, segmentFiles: 2 },
    ...{ cgroups: noCgroups, secretsDir: null, endpoints: [] },
  };
  const rest = { exists: false, needsCgroups: false, environment: {}, account: null, noNewPrivileges: false, ulimits: {}, notifySocket: null };
  return { dir: join(folder, 'i'), spec, command, ...rest };
}

/** What a launcher answers to these bytes, and how it ends. */
async function say(...records: readonly Uint8Array[]): Promise<{ readonly replies: readonly Reply[]; readonly code: number | null }> {
  const child = spawn(binary, ['launch', join(folder, 'lock'), '0'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const replies: Reply[] = [];
  const reader = new ReplyReader();
  child.stdout.on('data', (bytes) => replies.push(...reader.push(bytes)));
  child.stdin.on('error', () => {});
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  child.stdin.end(Buffer.concat(records));
  const code = await closed;
  return { replies: replies.filter(({ stage }) => stage !== 'hello'), code };
}

const changed = (offset: number, value: number): Buffer => {
  const record = holdRecord(1, startOf(['true']), 1n << 62n);
  record.writeUInt32LE(value, offset);
  return record;
};

describe('a record', () => {
  test('that is whole is carried out', async () => {
    const { replies } = await say(holdRecord(5, startOf(['true']), 1n << 62n));
    expect(replies).toMatchObject([{ seq: 5, stage: 'ran', error: 0 }]);
  });

  test.each([
    ['of a newer version', changed(4, 2)],
    ['of no known kind', changed(12, 9)],
    ['without a command', changed(72, 0)],
    ['with more strings than it has', changed(76, 5)],
    ['with more limits than it has room for', changed(56, 60)],
    ['with more groups than there can be', changed(60, 1 << 30)],
    ['with a body longer than itself', changed(64, 1 << 30)],
    ['with bytes behind its end', Buffer.concat([changed(8, changed(8, 0).length + 1), Buffer.from('x')])],
  ])('%s is refused, and the launcher goes on', async (_, record) => {
    const { replies, code } = await say(record, holdRecord(2, startOf(['true']), 1n << 62n));
    expect(replies.find(({ seq }) => seq === 1)).toMatchObject({ stage: 'record', pid: 0 });
    expect(replies.find(({ seq }) => seq === 2)).toMatchObject({ stage: 'ran' });
    expect(code).toBe(0);
  });

  test.each([
    ['that is longer than a launcher takes', changed(8, (4 << 20) + 1)],
    ['that is none', Buffer.from('x'.repeat(200))],
  ])('%s ends the launcher, since nobody knows where the next one begins', async (_, record) => {
    const { replies, code } = await say(record);
    expect(replies).toMatchObject([{ stage: 'record' }]);
    expect(code).toBe(1);
  });

  test('that is cut off runs nothing, wherever it is cut', async () => {
    const record = holdRecord(1, startOf(['true']), 1n << 62n);
    for (const length of [0, 1, 79, 80, 81, record.length - 1]) expect(await say(record.subarray(0, length))).toEqual({ replies: [], code: 0 });
    expect(readdirSync(folder)).toEqual(['lock']);
  });
});

describe('a launcher', () => {
  test('hands to holders and workers no file that its agent has from others', async () => {
    const seen = join(folder, 'fds');
    const child = spawn(binary, ['launch', join(folder, 'lock'), '0'], { stdio: ['pipe', 'ignore', 'inherit', 'pipe', 'pipe'] });
    const environment = { PATH: '/usr/bin:/bin' };
    child.stdin?.end(holdRecord(1, { ...startOf(['sh', '-c', `exec ls /proc/self/fd >${seen}`]), environment }, 1n << 62n));
    await until(() => existsSync(seen) && readFileSync(seen, 'utf8') !== '', 'the list');
    // 3 is what ls itself looks through.
    expect(readFileSync(seen, 'utf8').trim().split('\n')).toEqual(['0', '1', '2', '3']);
  });

  // Elsewhere nobody but systemd makes cgroups, and holders stay with the agent.
  anyTest.skipIf(needsBinary || !hasCgroups)('stays with its agent, and its holders live where the end of that cgroup is not theirs', async () => {
    const target = await b.start(['sleep', '60']);
    const launcher = readdirSync('/proc').find((pid) => isLauncherOf(pid, b.state)) as string;
    const holder = readIdentity(instancePath(b.state, target.ref), 'holder')?.pid;
    expect(cgroupOf(launcher)).toBe(cgroupOf('self'));
    expect(cgroupOf(String(holder))).toMatch(/ostler-holders-[0-9a-f]+$/);
  });

  test('that was killed is followed by another, and its holders live on', async () => {
    const first = await b.start(['sleep', '60']);
    const launcher = Number(readdirSync('/proc').find((pid) => isLauncherOf(pid, b.state)));
    process.kill(launcher, 'SIGKILL');
    await until(() => !readdirSync('/proc').includes(String(launcher)), 'its end');
    const second = await b.start(['sh', '-c', 'exit 3']);
    expect((await ended(b.driver, second)).exit.code).toBe(3);
    expect((await b.driver.inspect(first, call())).is).toBe('running');
  });

  test('is known to be gone as soon as its process is, so that the next start is asked of another', async () => {
    const slow = join(folder, 'slow');
    writeFileSync(slow, `#!/bin/sh\nsleep 2 &\nexec '${binary}' "$@"\n`, { mode: 0o755 });
    const launcher = await Launcher.open(slow, folder, []);
    const pid = Number(readdirSync('/proc').find((one) => isLauncherOf(one, folder)));
    const sinceMs = performance.now();
    process.kill(pid, 'SIGKILL');
    await until(() => launcher.isGone, 'its end');
    expect(performance.now() - sinceMs).toBeLessThan(1500);
    await launcher.close();
  });

  test('that is closed keeps its process until its end is heard, also where it is gone before its output is', async () => {
    const slow = join(folder, 'slow');
    writeFileSync(slow, `#!/bin/sh\nsleep 0.5 &\nexec '${binary}' "$@"\n`, { mode: 0o755 });
    const module = JSON.stringify(new URL('./launcher.ts', import.meta.url).href);
    const text = `import { Launcher } from ${module}; await (await Launcher.open(process.argv[1], process.argv[2], [])).close();`;
    const child = spawn(process.execPath, ['--conditions=@ostler/source', '--input-type=module', '-e', text, slow, folder], { stdio: 'ignore' });
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
  });

  test('waits for a start that a dead agent left on its way, so that nothing appears after it was listed', async () => {
    // Its lock is held as by a holder that has not made its directory yet.
    const other = join(b.state, 'launchers');
    await b.driver.list(b.agent, call());
    await b.driver.close();
    const held = spawn('sh', ['-c', `exec 9>"${other}/1_1_x_y"; flock 9; echo locked; exec sleep 60`], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => held.stdout.once('data', resolve));
    const next = driverOn(b.state);
    let isListed = false;
    const listing = next.list(b.agent, call()).then(() => {
      isListed = true;
    });
    await new Promise((done) => setTimeout(done, 300));
    expect(isListed).toBe(false);
    held.kill('SIGKILL');
    await listing;
    await next.close();
  });
});

const cgroupOf = (pid: string): string => /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';

const isLauncherOf = (pid: string, state: string): boolean => {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words[1] === 'launch' && words[2]?.startsWith(state) === true && readFileSync(`/proc/${pid}/comm`, 'utf8') === 'ostler-launcher\n';
  } catch {
    return false;
  }
};

describe('the sh holder serves', () => {
  test.each([
    ['where the binary may not be executed', 0o644, /cannot be executed/],
    ['where it is no program of this machine', 0o755, /ostler-holder: /],
  ])('%s, and facts say degraded and why', async (_, mode, why) => {
    const broken = join(folder, 'ostler-holder');
    copyFileSync('/etc/passwd', broken);
    chmodSync(broken, mode);
    process.env['OSTLER_HOLDER'] = broken;
    try {
      const driver = driverOn(b.state);
      const ref = b.ref();
      const facts = await driver.facts(call());
      const note = facts.notes.find((text) => text.startsWith('degraded: '));
      expect(note).toMatch(why);
      expect(driver.check(specOf(['true'], { notify: { watchdogMs: null } }), facts)).toMatchObject([{ level: 'refused', field: 'health.notify' }]);
      await driver.start(ref, runOf(specOf(['sh', '-c', 'exit 3'])), call());
      expect((await ended(driver, { ref, handle: null })).exit.code).toBe(3);
      await driver.close();
    } finally {
      delete process.env['OSTLER_HOLDER'];
    }
  });
});

anyTest('one that ends before it has said anything is heard of, though nothing else keeps the agent', async () => {
  const script = join(folder, 'launcher');
  writeFileSync(script, '#!/bin/sh\nexec >&-\nsleep 0.3\nkill -9 $$\n', { mode: 0o755 });
  const agent = `
    import { Launcher } from ${JSON.stringify(join(import.meta.dirname, 'launcher.ts'))};
    Launcher.open(${JSON.stringify(script)}, ${JSON.stringify(folder)}, []).catch((error) => console.log(error.message));
  `;
  const child = spawn(process.execPath, ['--conditions=@ostler/source', '--input-type=module-typescript', '-e', agent], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (bytes: Buffer) => (said += bytes.toString()));
  await until(() => child.exitCode !== null && child.stdout.readableEnded, 'the end of the agent');
  expect(said.trim()).toBe('the launcher ended with SIGKILL');
});
