import { existsSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { problem } from '../base/problem.ts';

/** An agent that lives answers a connection at once; a socket that nobody listens on refuses it. */
const answerMs = 2000;

/** Makes room for a socket: missing folders (0700), a socket of a dead agent taken away. Throws `socket-in-use`. */
export async function makeRoom(path: string): Promise<void> {
  const folder = dirname(path);
  try {
    if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw problem(
      {
        code: 'data-dir-not-writable',
        message: `the folder of the socket ${path} cannot be made: ${(error as Error).message}`,
        hint: 'name another one with --socket',
      },
      error,
    );
  }
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isSocket())
    throw problem({ code: 'socket-in-use', message: `${path} is there and is no socket`, hint: 'remove it, or name another one with --socket' });
  if (await isAnswered(path))
    throw problem({
      code: 'socket-in-use',
      message: `an agent answers on ${path}`,
      hint: 'talk to it (`ostler ps`), end it with `ostler down --agent`, or give this one its own --socket',
    });
  rmSync(path, { force: true });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'));
    // Its queue is full: somebody is there, if busy.
    socket.setTimeout(answerMs, () => done(true));
  });
}
