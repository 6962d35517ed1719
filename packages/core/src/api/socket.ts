import { chmodSync, existsSync, lstatSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { isProblem, problem } from '../base/problem.ts';

/** An agent that lives answers a connection at once; a socket that nobody listens on refuses it. */
const answerMs = 2000;
const elsewhere = 'name another one with --socket';
/** sun_path holds 108 bytes with its final zero (unix(7)); 104 on macOS (sys/un.h). */
const longestPathBytes = process.platform === 'darwin' ? 103 : 107;

/** Makes room for a socket: missing folders (0700), a socket of a dead agent taken away. Throws `socket-in-use`. */
export async function makeRoom(path: string, uid = process.getuid?.() ?? 0): Promise<void> {
  if (Buffer.byteLength(path) > longestPathBytes)
    throw problem({
      code: 'usage',
      message: `the path of the socket is longer than the ${longestPathBytes} bytes that this system takes: ${path}`,
      hint: elsewhere,
    });
  ownPlace(dirname(path), path, uid);
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  if (!there.isSocket()) throw problem({ code: 'socket-in-use', message: `${path} is there and is no socket`, hint: `remove it, or ${elsewhere}` });
  if (await isAnswered(path))
    throw problem({
      code: 'socket-in-use',
      message: `an agent answers on ${path}`,
      hint: 'talk to it (`ostler ps`), end it with `ostler down --agent`, or give this one its own --socket',
    });
  attempt(path, () => rmSync(path, { force: true }));
}

export interface PlacedSocket {
  /** Takes the socket away, unless another one stands there by now. */
  remove(): void;
}

/**
 * Lets `listen` bind in a folder that nobody else enters and moves the socket to its place when it is 0600: no moment in which others could
 * connect, and no umask that all of the process would share. The listener unlinks only the name that it bound (libuv does), which is gone.
 */
export async function placeSocket(path: string, listen: (path: string) => Promise<unknown>): Promise<PlacedSocket> {
  const folder = join(dirname(path), `.${process.pid.toString(36)}`);
  const bound = join(folder, 's');
  try {
    attempt(path, () => {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { mode: 0o700 });
    });
    await listen(bound).catch((error: unknown) => {
      throw cannotBe(path, error);
    });
    return attempt(path, () => {
      chmodSync(bound, 0o600);
      const { dev, ino } = lstatSync(bound);
      if (existsSync(path)) throw problem({ code: 'socket-in-use', message: `another agent has just taken ${path}`, hint: elsewhere });
      renameSync(bound, path);
      return {
        remove() {
          const there = lstatSync(path, { throwIfNoEntry: false });
          if (there?.dev === dev && there.ino === ino) rmSync(path, { force: true });
        },
      };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Missing folders are made; one that is there stays as it is, but who else could write to it could stand in for the agent. */
function ownPlace(folder: string, path: string, uid: number): void {
  attempt(path, () => mkdirSync(folder, { recursive: true, mode: 0o700 }));
  const { uid: owner, mode } = statSync(folder);
  const isSticky = (mode & 0o1000) !== 0;
  if ((owner === uid || owner === 0) && ((mode & 0o002) === 0 || isSticky)) return;
  throw problem({
    code: 'data-dir-not-writable',
    message: `others may replace what is in ${folder}, so the socket ${path} would not be safe there: it ${
      owner === uid || owner === 0 ? 'is writable by everybody' : `belongs to user ${owner}, not to user ${uid} as whom the agent runs`
    }`,
    hint: elsewhere,
  });
}

function attempt<X>(path: string, act: () => X): X {
  try {
    return act();
  } catch (error) {
    throw cannotBe(path, error);
  }
}

function cannotBe(path: string, error: unknown): Error {
  if (isProblem(error)) return error;
  return problem({ code: 'data-dir-not-writable', message: `the socket ${path} cannot be made: ${(error as Error).message}`, hint: elsewhere }, error);
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
