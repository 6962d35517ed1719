import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { until } from '../driver/fixtures/bench.ts';
import { bootId } from './boot.ts';
import { lifeOf, parseIdentity, signalIdentity } from './identity.ts';
import { isAliveState, parsePsLine, parseStat } from './process-stat.ts';
import { readProcess } from './process-table.ts';

test('the fields of stat begin after the last bracket', () => {
  const line = `42 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 20 21\n`;
  expect(parseStat(line)).toMatchObject({ pid: 42, command: 'a) b (c', state: 'R', parent: 1, group: 2, session: 3, start: '777', ticks: 23 });
  expect(parseStat('42 (cut')).toBe(null);
});

test('the lines of ps on macOS are read', () => {
  expect(parsePsLine('  501     1   501 Ss     1648 Tue Nov  4 06:38:32 2026     /bin/sh /x/holder.sh /d 4096')).toEqual({
    pid: 501,
    parent: 1,
    group: 501,
    session: 501,
    state: 'Ss',
    start: 'Tue_Nov_4_06:38:32_2026',
    command: '/bin/sh /x/holder.sh /d 4096',
    ticks: null,
    residentBytes: 1648 * 1024,
  });
  expect(parsePsLine('')).toBe(null);
  expect(isAliveState('Z+')).toBe(false);
});

test('another start time or another boot is not that process, and it gets no signal', async () => {
  const child = spawn('sleep', ['60']);
  const pid = child.pid as number;
  const start = readProcess(pid)?.start ?? '';
  const itself = { pid, start, boot: bootId() };
  expect(lifeOf(itself)).toBe('alive');
  expect(lifeOf({ ...itself, start: `${start}1` })).toBe('dead');
  expect(lifeOf({ ...itself, boot: 'x' })).toBe('other-boot');
  expect(signalIdentity({ ...itself, start: `${start}1` }, 'SIGKILL')).toBe(false);
  expect(lifeOf(itself)).toBe('alive');
  expect(signalIdentity(itself, 'SIGKILL')).toBe(true);
  await until(() => child.signalCode, 'its end');
  expect(lifeOf(itself)).toBe('dead');
});

test('a zombie is not alive', async () => {
  // exec leaves the ended child to a program that never reaps.
  const parent = spawn('sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 60']);
  let out = '';
  parent.stdout.on('data', (bytes) => {
    out += bytes;
  });
  const pid = Number(await until(() => out.trim(), 'its pid'));
  const entry = await until(() => {
    const seen = readProcess(pid);
    return seen?.state === 'Z' ? seen : null;
  }, 'the zombie');
  expect(lifeOf({ pid, start: entry.start, boot: bootId() })).toBe('dead');
  parent.kill('SIGKILL');
});

test('a damaged record names nobody', () => {
  for (const text of ['', '12', '0 1 b', 'x 1 b', '-1 1 b']) expect(parseIdentity(text)).toBe(null);
});
