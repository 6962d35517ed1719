import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { isInMemory } from './memory-files.ts';
import { type Problem, problem } from './problem.ts';

/** sun_path holds 108 bytes with its final zero (unix(7)); 104 on macOS (sys/un.h). */
const longestSocketBytes = { linux: 107, darwin: 103 };

export interface PathsInput {
  /** `--data-dir`. */
  readonly dataDir?: string | undefined;
  /** `--socket`. */
  readonly socket?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** 0 = root. */
  readonly uid: number;
  readonly platform?: 'linux' | 'darwin' | undefined;
  readonly home?: string | undefined;
  /** Folders that might be tmpfs, in this order, instead of the system's own (for tests). */
  readonly memoryFolders?: readonly string[] | undefined;
}

export interface Paths {
  readonly dataDir: string;
  readonly socket: string;
  /** `null`: this host has no tmpfs. {@link noMemoryFolder} says what to do. */
  readonly secretsDir: string | null;
}

/** Where this agent keeps things. Reads the environment it is given and looks for tmpfs; makes nothing. */
export function findPaths(input: PathsInput): Paths {
  const platform = input.platform ?? (process.platform === 'darwin' ? 'darwin' : 'linux');
  const isRoot = input.uid === 0;
  const home = input.home ?? homedir();
  const runtimeDir = absolute(input.env['XDG_RUNTIME_DIR']);
  const ownState = join(absolute(input.env['XDG_STATE_HOME']) ?? join(home, '.local', 'state'), 'ostler');
  const usual = isRoot ? rootState(platform) : ownState;
  const dataDir = resolve(input.dataDir ?? nonEmpty(input.env['OSTLER_DATA_DIR']) ?? usual);
  const isUsual = dataDir === usual;
  const runDir = isRoot ? rootRun(platform) : runtimeDir !== undefined ? join(runtimeDir, 'ostler') : join(ownState, 'run');
  const memory = input.memoryFolders ?? [...(isRoot || runtimeDir === undefined ? [] : [runtimeDir]), ...(isRoot ? ['/run/ostler', '/run'] : []), '/dev/shm'];
  const inMemory = memory.find(isInMemory);
  // Several agents on one machine must not meet: what is not below the data dir carries a hash of it.
  const mark = isUsual ? '' : `-${shortHash(dataDir)}`;

  const socketAsked = input.socket ?? nonEmpty(input.env['OSTLER_SOCKET']);
  const socket =
    socketAsked !== undefined ? resolve(socketAsked) : fitSocket(isUsual ? join(runDir, 'agent.sock') : join(dataDir, 'agent.sock'), input.uid, platform);
  return { dataDir, socket, secretsDir: inMemory === undefined ? null : secretsIn(inMemory, runDir, mark, input.uid) };
}

/** A folder of this user alone: made with 0700, or checked. Throws a problem when it is somebody else's, open to others, or no folder. */
export function ownFolder(path: string, uid: number): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const stat = lstatSync(path);
    if (!stat.isDirectory()) throw problem({ code: 'data-dir-not-writable', message: `${path} is not a folder` });
    if (stat.uid !== uid) {
      throw problem({
        code: 'data-dir-not-writable',
        message: `${path} belongs to user ${stat.uid}, not to user ${uid} as whom the agent runs`,
        hint: 'remove it, or name another folder with --data-dir',
      });
    }
    if ((stat.mode & 0o777) !== 0o700) chmodSync(path, 0o700);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw problem({ code: 'data-dir-full', message: `no space left to make ${path}`, hint: 'free some space on that disk' }, error);
    if (code === undefined || !/^E[A-Z]+$/.test(code)) throw error;
    throw problem(
      {
        code: 'data-dir-not-writable',
        message: `${path} cannot be made: ${(error as Error).message}`,
        hint: 'name another folder with --data-dir, or give this one to the user that runs the agent',
      },
      error,
    );
  }
}

/** The folder of secrets in use. Its parents may be the system's own (/run) and are left as they are. */
export function makeSecretsDir(path: string, uid: number): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  ownFolder(path, uid);
}

/** What to say when a worker has secrets and this host has no memory to keep them in. */
export function noMemoryFolder(): Problem {
  return {
    code: 'secret-unavailable',
    message: 'no tmpfs was found for secrets in use (looked at XDG_RUNTIME_DIR, /run and /dev/shm), and they are never written to a disk',
    hint:
      process.platform === 'darwin'
        ? 'secret files need a RAM disk on macOS; secrets as environment work without'
        : 'mount a tmpfs at /run/ostler, or set XDG_RUNTIME_DIR to a folder on one',
  };
}

const rootState = (platform: 'linux' | 'darwin'): string => (platform === 'darwin' ? '/usr/local/var/ostler' : '/var/lib/ostler');
const rootRun = (platform: 'linux' | 'darwin'): string => (platform === 'darwin' ? '/var/run/ostler' : '/run/ostler');
const nonEmpty = (value: string | undefined): string | undefined => (value === undefined || value === '' ? undefined : value);
/** XDG: a relative path is to be ignored. */
const absolute = (value: string | undefined): string | undefined => (value?.startsWith('/') ? value : undefined);
const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

function fitSocket(path: string, uid: number, platform: 'linux' | 'darwin'): string {
  if (Buffer.byteLength(path) <= longestSocketBytes[platform]) return path;
  return join('/tmp', `ostler-${uid}-${shortHash(dirname(path))}`, 'agent.sock');
}

function secretsIn(folder: string, runDir: string, mark: string, uid: number): string {
  if (runDir === folder || dirname(runDir) === folder) return join(runDir, `secrets${mark}`);
  // A folder that everybody may write to: the name says whose it is.
  return join(folder, `ostler-${uid}`, `secrets${mark}`);
}
