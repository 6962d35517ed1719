import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { noCgroups } from '../cgroup/cgroup.ts';
import { until } from '../driver/fixtures/bench.ts';
import { bootId } from '../identity/boot.ts';
import { isAliveState } from '../identity/process-stat.ts';
import { readProcess, readProcessTable } from '../identity/process-table.ts';
import type { InstanceDirectory } from '../instance/directory.ts';
import { treeMembers } from './members.ts';

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'ostler-members-'));
});
afterEach(() => rmSync(path, { recursive: true }));

const instance = (): InstanceDirectory =>
  ({ path, spec: { holder: 'sh', ref: { agent: 'a', worker: 'w', generation: '1-a', instance: path }, cgroups: noCgroups } }) as unknown as InstanceDirectory;
const record = (pid: number): string => `${pid} ${readProcess(pid)?.start} ${bootId()}\n`;
const childrenOf = (pid: number) => [...readProcessTable().values()].filter(({ parent }) => parent === pid);

test.runIf(process.platform === 'linux')(
  'what a sh holder calls to record an end is no part of the worker, and what the worker left in its session is',
  async () => {
    const holder = spawn('sh', ['-c', 'sh -c "sleep 300 & exec sleep 301" & sleep 302; :'], { detached: true, stdio: 'ignore' });
    const pid = holder.pid as number;
    const worker = await until(() => childrenOf(pid).find((entry) => childrenOf(entry.pid).length === 1 && entry.command === 'sleep'), 'the worker');
    const recorder = await until(() => childrenOf(pid).find((entry) => entry.pid !== worker.pid && entry.command === 'sleep'), 'the recorder');
    const [left] = childrenOf(worker.pid);
    writeFileSync(join(path, 'holder'), record(pid));
    writeFileSync(join(path, 'pid'), record(worker.pid));
    const members = () =>
      treeMembers(instance())
        .map((entry) => entry.pid)
        .sort((a, b) => a - b);
    expect(members()).toEqual([worker.pid, left?.pid as number].sort((a, b) => a - b));
    process.kill(worker.pid, 'SIGKILL');
    await until(() => !isAliveState(readProcess(worker.pid)?.state ?? 'X'), 'its end');
    expect(members()).toEqual([left?.pid]);
    for (const one of [left?.pid, recorder.pid, pid]) process.kill(one as number, 'SIGKILL');
  },
);

test.runIf(process.platform === 'linux')('a drainer that has outlived its holder is no part of the worker', async () => {
  const env = { ...process.env, OSTLER_INSTANCE: path };
  const drainer = spawn('split', ['-b', '100', '-a', '6', '-', join(path, 'err.')], { env, stdio: ['pipe', 'ignore', 'ignore'] });
  const other = spawn('sleep', ['300'], { env, stdio: 'ignore' });
  await until(() => [drainer, other].every(({ pid }) => readProcess(pid as number)?.command !== 'node'), 'both');
  expect(treeMembers(instance()).map(({ pid }) => pid)).toEqual([other.pid]);
  for (const one of [drainer, other]) one.kill('SIGKILL');
});
