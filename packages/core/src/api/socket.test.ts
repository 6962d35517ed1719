import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Served, serve } from './fixtures/served.ts';
import { makeRoom } from './socket.ts';

let served: Served;
beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.end());

test('the socket is for its user alone, leaves nothing else in its folder, and is taken away at the end', async () => {
  expect(statSync(served.socket).mode & 0o777).toBe(0o600);
  expect(readdirSync(served.folder)).toEqual(['agent.sock']);
  await served.api.close();
  expect(readdirSync(served.folder)).toEqual([]);
});

test('the socket of a live agent is left to it', async () => {
  await expect(served.open()).rejects.toMatchObject({ code: 'socket-in-use', message: expect.stringContaining(served.socket) });
  expect((await served.ask('/v1/ps')).status).toBe(200);
});

test('the socket of a dead agent is taken over', async () => {
  await served.api.close();
  const dies = `require('node:net').createServer().listen(${JSON.stringify(served.socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', dies]);
  expect(existsSync(served.socket)).toBe(true);
  const again = await served.open();
  expect((await served.ask('/v1/ps')).status).toBe(200);
  await again.close();
});

test('a socket that another one put there is left at the end', async () => {
  const other = createServer();
  const bound = join(served.folder, 'other');
  await new Promise<void>((resolve) => other.listen(bound, resolve));
  renameSync(bound, served.socket);
  const { ino } = lstatSync(served.socket);
  await served.api.close();
  expect(lstatSync(served.socket).ino).toBe(ino);
  other.close();
});

test('a file at the path of the socket is refused and left', async () => {
  const path = join(served.folder, 'file');
  writeFileSync(path, 'mine');
  await expect(makeRoom(path)).rejects.toMatchObject({ code: 'socket-in-use', message: `${path} is there and is no socket` });
  expect(statSync(path).size).toBe(4);
});

test('missing folders are made for the user alone, those that are there stay as they are', async () => {
  mkdirSync(join(served.folder, 'open'));
  chmodSync(join(served.folder, 'open'), 0o755);
  await makeRoom(join(served.folder, 'open', 'a', 'agent.sock'));
  expect([statSync(join(served.folder, 'open')).mode & 0o777, statSync(join(served.folder, 'open', 'a')).mode & 0o777]).toEqual([0o755, 0o700]);
});

test('a folder in which others could replace the socket is refused', async () => {
  const open = join(served.folder, 'everybody');
  mkdirSync(open);
  chmodSync(open, 0o777);
  await expect(makeRoom(join(open, 'agent.sock'))).rejects.toMatchObject({
    code: 'data-dir-not-writable',
    message: expect.stringContaining('writable by everybody'),
  });
  chmodSync(open, 0o1777);
  await makeRoom(join(open, 'agent.sock'));
  rmSync(open, { recursive: true });
  // Whose is it? Root can give it away, another user can only be taken for another.
  const { uid } = statSync(served.folder);
  if (uid === 0) chownSync(served.folder, 1, -1);
  const asked = makeRoom(join(served.folder, 'other.sock'), uid === 0 ? 0 : uid + 1);
  await expect(asked).rejects.toMatchObject({ message: expect.stringContaining(`belongs to user ${uid === 0 ? 1 : uid}`) });
});

test('a path that is too long for the system is refused by its length', async () => {
  const path = join(served.folder, 'x'.repeat(100));
  await expect(makeRoom(path)).rejects.toMatchObject({ code: 'usage', message: expect.stringContaining(path) });
});
