import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { until } from '../driver/fixtures/bench.ts';
import type { ProcessEntry } from '../identity/process-stat.ts';
import { descendantsOf, type Look } from './descendants.ts';

type Scene = Readonly<Record<number, readonly number[]>>;
const entry = (pid: number, parent: number, state = 'S'): ProcessEntry => ({
  pid,
  parent,
  state,
  group: pid,
  session: pid,
  start: '1',
  command: 'x',
  ticks: 0,
  residentBytes: null,
});

/**
 * A kernel that shows one scene after another: each read of the root's children is the next. `zombies` stay listed; `dying`: in how many scenes their
 * other threads still live.
 */
function kernelOf(scenes: readonly Scene[], zombies: readonly number[] = [], dying = 0): Look {
  let now = -1;
  const scene = () => scenes[Math.min(now, scenes.length - 1)] ?? {};
  return {
    children(pid) {
      if (pid === 1) now += 1;
      return scene()[pid] ?? [];
    },
    process(pid) {
      const last = scenes[Math.min(now + 1, scenes.length - 1)] ?? {};
      const parent = Object.entries(last).find(([, children]) => children.includes(pid))?.[0];
      return parent === undefined ? null : entry(pid, Number(parent), zombies.includes(pid) ? 'Z' : 'S');
    },
    threads: (pid) => (zombies.includes(pid) && now < dying ? 4 : 1),
  };
}
const pids = (entries: readonly ProcessEntry[] | null) => entries?.map(({ pid }) => pid).sort((a, b) => a - b);

test('one that the list skipped, because its neighbour ended while it was read, is found', () => {
  expect(pids(descendantsOf(1, kernelOf([{ 1: [2] }, { 1: [3] }])))).toEqual([3]);
});

test('the children of one that died while the walk was on its way are found where they went', () => {
  expect(pids(descendantsOf(1, kernelOf([{ 1: [2], 2: [] }, { 1: [2, 3] }, { 1: [2, 3] }], [2])))).toEqual([2, 3]);
});

test('a zombie that nobody reaps does not keep the rest from being told', () => {
  expect(pids(descendantsOf(1, kernelOf([{ 1: [2, 3], 3: [4] }], [2])))).toEqual([2, 3, 4]);
});

test('the children of a killed process whose other threads are not over yet are found where they went', () => {
  const scenes = [{ 1: [2] }, { 1: [2] }, { 1: [2] }, { 1: [2, 3] }];
  expect(pids(descendantsOf(1, kernelOf(scenes, [2], 2)))).toEqual([2, 3]);
});

test('where they come and go too fast, nothing is claimed', () => {
  expect(descendantsOf(1, kernelOf(Array.from({ length: 30 }, (_, i) => ({ 1: [100 + i] }))))).toBe(null);
});

test.runIf(process.platform === 'linux')('the processes below a real one, with those that it forked', async () => {
  const shell = spawn('sh', ['-c', 'sh -c "sleep 300; :" & sleep 301 & wait'], { stdio: 'ignore' });
  const commands = () =>
    descendantsOf(shell.pid as number)
      ?.map(({ command }) => command)
      .sort();
  await until(() => commands()?.filter((command) => command === 'sleep').length === 2, 'the tree');
  expect(commands()).toEqual(['sh', 'sleep', 'sleep']);
  for (const { pid } of descendantsOf(shell.pid as number) ?? []) process.kill(pid, 'SIGKILL');
  shell.kill('SIGKILL');
});
