import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { probeCommand } from './probe-command.ts';
import { endProcessesOf, processesOf } from './processes.ts';

const probe = (...words: string[]) => {
  const [file = '', ...argv] = probeCommand(...words);
  return { file, argv };
};
const output = async (...words: string[]): Promise<string> => {
  const { file, argv } = probe(...words);
  return (await promisify(execFile)(file, argv, { encoding: 'latin1', maxBuffer: 1 << 24 })).stdout;
};

test('the probe prints what its cases count on', async () => {
  expect(await output('lines', '3')).toBe('line 0000000\nline 0000001\nline 0000002\n');
  expect((await output('bytes')).length).toBe(257);
  expect(await output('unended', 'a\nb')).toBe('a\nb');
  await expect(output('exit', '9')).rejects.toMatchObject({ code: 9 });
  await expect(output('signal', 'SIGHUP')).rejects.toMatchObject({ signal: 'SIGHUP' });
  await expect(output('no-such-mode')).rejects.toMatchObject({ code: 64 });
});

test('the tree of the probe is found by its instance, ignores SIGTERM, and is ended whole', async () => {
  const instance = `probe${String(process.pid)}`;
  const { file, argv } = probe('tree');
  const child = spawn(file, argv, { env: { ...process.env, OSTLER_INSTANCE: instance }, stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  const pids = await processesOf(instance);
  expect(pids).toHaveLength(3);
  for (const pid of pids) process.kill(pid, 'SIGTERM');
  const ended = once(child, 'exit');
  expect(await processesOf(instance)).toEqual(pids);
  await endProcessesOf(instance);
  expect((await ended)[1]).toBe('SIGKILL');
  expect(await processesOf(instance)).toEqual([]);
});

test('the probe shows digests of its secrets, never a value', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'probe-'));
  await writeFile(join(folder, 'token'), 'abc', { mode: 0o400 });
  const { file, argv } = probe('secrets', '0');
  const { stdout } = await promisify(execFile)(file, argv, { env: { ...process.env, OSTLER_SECRETS: folder } });
  expect(JSON.parse(stdout)).toEqual([{ name: 'token', mode: 0o400, sha256: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad' }]);
  await rm(folder, { recursive: true });
});
