import { randomUUID } from 'node:crypto';
import { chmodSync, chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDataDir } from './index.ts';

let parent: string;
let path: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'data-'));
  path = join(parent, 'deep', 'data');
});
afterEach(() => rmSync(parent, { recursive: true }));

const here = { machineId: `${'0'.repeat(31)}1` };
const elsewhere = { machineId: `${'0'.repeat(31)}2` };

test('a data directory keeps its identity and its key, which are for its owner alone', async () => {
  const first = await openDataDir(path, here);
  expect(first).toMatchObject({ path, isNew: true, notes: [] });
  expect(first.key).toHaveLength(32);
  expect(await openDataDir(path, here)).toEqual({ ...first, isNew: false });
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(statSync(join(path, 'agent.key')).mode & 0o777).toBe(0o600);
  expect(readdirSync(path).sort()).toEqual(['agent.id', 'agent.key', 'machine.id']);
});

test('agents that start at once on a new directory agree on who they are', async () => {
  const dirs = await Promise.all(Array.from({ length: 20 }, () => openDataDir(path, here)));
  expect(new Set(dirs.map((d) => `${d.agentId} ${Buffer.from(d.key).toString('hex')}`)).size).toBe(1);
  expect(readdirSync(path).sort()).toEqual(['agent.id', 'agent.key', 'machine.id']);
});

test('the same identity on another machine is refused, and nothing is changed', async () => {
  await openDataDir(path, here);
  const files = () => readdirSync(path).map((name) => [name, readFileSync(join(path, name)).toString('hex')]);
  const before = files();
  await expect(openDataDir(path, elsewhere)).rejects.toMatchObject({ code: 'data-dir-cloned', hint: expect.stringContaining(join(path, 'agent.id')) });
  expect(files()).toEqual(before);
});

test('a cloned directory whose agent.id is deleted begins as a new agent', async () => {
  const { agentId } = await openDataDir(path, here);
  rmSync(join(path, 'agent.id'));
  const fresh = await openDataDir(path, elsewhere);
  expect(fresh.agentId).not.toBe(agentId);
  expect(fresh.isNew).toBe(true);
  expect(await openDataDir(path, elsewhere)).toEqual({ ...fresh, isNew: false });
});

test('a machine that cannot be told is noted and does not hinder', async () => {
  const { agentId } = await openDataDir(path, here);
  const unknown = await openDataDir(path, { machineId: null });
  expect(unknown.agentId).toBe(agentId);
  expect(unknown.notes).toHaveLength(1);
  expect((await openDataDir(path, here)).notes).toEqual([]);
});

test.each([
  ['agent.id', 'no uuid\n'],
  ['agent.key', 'short'],
])('a damaged %s is named and not replaced', async (name, content) => {
  await openDataDir(path, here);
  writeFileSync(join(path, name), content);
  await expect(openDataDir(path, here)).rejects.toMatchObject({ message: expect.stringContaining(join(path, name)) });
  expect(readFileSync(join(path, name), 'utf8')).toBe(content);
});

test('a path that is a file is a problem that names it', async () => {
  const file = join(parent, 'file');
  writeFileSync(file, randomUUID());
  await expect(openDataDir(file, here)).rejects.toMatchObject({ code: 'data-dir-not-writable', message: expect.stringContaining(file) });
});

test('a directory of another user is refused', async ({ skip }) => {
  if (process.geteuid?.() !== 0) return skip('giving a directory away needs root');
  await openDataDir(path, here);
  chownSync(path, 65_534, 65_534);
  await expect(openDataDir(path, here)).rejects.toMatchObject({ code: 'data-dir-not-writable', message: expect.stringContaining('65534') });
});

test('a directory that others can write is noted', async () => {
  await openDataDir(path, here);
  chmodSync(path, 0o777);
  expect((await openDataDir(path, here)).notes).toEqual([expect.stringContaining('chmod 700')]);
});
