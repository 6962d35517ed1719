import { randomUUID } from 'node:crypto';
import {
  closeSync,
  type Dirent,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type InstanceRef, runtimeFailure, type StopRule } from '@ostler/sdk';
import type { CgroupPaths } from '../cgroup/cgroup.ts';
import { type Identity, parseIdentity } from '../identity/identity.ts';
import { isAliveState } from '../identity/process-stat.ts';
import { readProcess } from '../identity/process-table.ts';
import { type ExitRecord, parseExit } from './exit-record.ts';

/** Version of the directory's layout; a directory of another version is listed, never touched. */
export const directoryProtocol = 1;

/** `spec.json`: what a later agent must know. Holds no environment and no secret. */
export interface InstanceSpec {
  readonly protocol: number;
  readonly ref: InstanceRef;
  readonly command: readonly string[];
  readonly cwd: string;
  readonly user: string | null;
  /** Absent in those of older versions: sh. */
  readonly holder?: 'sh' | 'compiled';
  readonly segments: 'raw' | 'framed';
  readonly exit: 'text' | 'fixed';
  readonly segmentBytes: number;
  readonly segmentFiles: number;
  readonly cgroups: CgroupPaths;
  /** How it is asked to end, and what it left when it ended; absent in those of older versions. */
  readonly stop?: StopRule;
  /** Where its secret files lie. */
  readonly secretsDir: string | null;
  readonly endpoints: readonly { readonly port: number; readonly address: string }[];
}

/** One instance: `<state>/<agent>/<worker>/<instance>/`, mode 0700. */
export interface InstanceDirectory {
  readonly path: string;
  readonly spec: InstanceSpec;
}

const isMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');

function readOr<X>(path: string, parse: (bytes: Buffer) => X | null): X | null {
  try {
    return parse(readFileSync(path));
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** The instance's path. Throws `invalid` for names that would leave the folder. */
export function instancePath(state: string, ref: InstanceRef): string {
  for (const name of [ref.agent, ref.worker, ref.instance])
    if (!/^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/.test(name))
      throw runtimeFailure({ code: 'invalid', outcome: 'no', retryable: false, message: `"${name}" cannot name an instance directory` });
  return join(state, ref.agent, ref.worker, ref.instance);
}

/** `null` = there is none. Throws `internal` if it is there but cannot be understood: that is not "gone". */
export function openInstance(path: string): InstanceDirectory | null {
  try {
    statSync(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  const text = readOr(join(path, 'spec.json'), (bytes) => bytes.toString());
  if (text === null && !isThere(path)) return null;
  let spec: InstanceSpec | null = null;
  try {
    spec = JSON.parse(text ?? 'null') as InstanceSpec | null;
  } catch {
    // Told below.
  }
  if (spec?.protocol !== directoryProtocol)
    throw runtimeFailure({
      code: 'internal',
      outcome: 'no',
      retryable: false,
      message: `${path}/spec.json is not an instance of protocol ${directoryProtocol}; it was left alone. A newer ostler may have made it.`,
    });
  return { path, spec };
}

const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

/**
 * Makes the directory whole or not at all: filled under another name, then renamed. A rename onto a directory that is not empty fails, so one
 * ref can be made once. `false` = it exists already.
 */
export async function makeInstance(path: string, spec: InstanceSpec, fill: (dir: string) => Promise<void>): Promise<boolean> {
  const parent = join(path, '..');
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  sweepUnfinished(parent);
  const fresh = join(parent, `.new-${process.pid}-${randomUUID().slice(0, 8)}`);
  mkdirSync(fresh, { mode: 0o700 });
  try {
    writeFileSync(join(fresh, 'spec.json'), `${JSON.stringify(spec, null, 2)}\n`, { mode: 0o600 });
    // Blocks for the exit record, taken while the disk has room.
    writeFileSync(join(fresh, 'exit.tmp'), `${' '.repeat(15)}\n`, { mode: 0o600 });
    await fill(fresh);
    renameSync(fresh, path);
    return true;
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    if (['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** What a killed agent, or a holder that failed, left half made or half removed: nothing there is whole, and nothing in it runs. */
function sweepUnfinished(parent: string): void {
  for (const name of readdirSync(parent)) {
    const maker = Number(/^\.new-(\d+)/.exec(name)?.[1]);
    if (/^\.(new|old)-/.test(name) && !isAlive(maker)) rmSync(join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  const entry = Number.isNaN(pid) ? null : readProcess(pid);
  return entry !== null && isAliveState(entry.state);
}

/** Takes the directory away at once for every reader, then deletes it. */
export function removeInstance(path: string): void {
  const old = join(path, '..', `.old-${randomUUID().slice(0, 8)}`);
  try {
    renameSync(path, old);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  rmSync(old, { recursive: true, force: true });
}

const folders = (path: string): readonly Dirent[] => {
  try {
    return readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
};

/** The path of every instance of the agent, in any state. Complete or throws. */
export function instancePaths(state: string, agent: string): readonly string[] {
  return folders(join(state, agent)).flatMap((worker) =>
    folders(join(state, agent, worker.name)).map((instance) => join(state, agent, worker.name, instance.name)),
  );
}

/** The path of every instance of one worker, in any state. */
export function pathsOfWorker(state: string, agent: string, worker: string): readonly string[] {
  const parent = join(state, agent, worker);
  return folders(parent).map(({ name }) => join(parent, name));
}

/** Every instance of the agent. Throws if one cannot be understood. */
export function listInstances(state: string, agent: string): readonly InstanceDirectory[] {
  return instancePaths(state, agent).flatMap((path) => openInstance(path) ?? []);
}

/** Takes away what starts and removals of agents before left unfinished. */
export function sweepInstances(state: string, agent: string): void {
  for (const worker of folders(join(state, agent))) sweepUnfinished(join(state, agent, worker.name));
}

/** Names the store: a state folder that was replaced, or whose disk is not mounted, has another one. */
export function storeIdentity(state: string): string {
  const path = join(state, 'store');
  const known = readOr(path, (bytes) => bytes.toString().trim() || null);
  if (known !== null) return known;
  const fresh = `${path}.${randomUUID().slice(0, 8)}`;
  mkdirSync(state, { recursive: true, mode: 0o700 });
  writeFileSync(fresh, `process:${randomUUID()}\n`, { mode: 0o600 });
  try {
    linkSync(fresh, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(fresh, { force: true });
  }
  return readFileSync(path, 'utf8').trim();
}

const recordBytes = Buffer.alloc(4096);

/** A small record and when it was written last; one look-up of its path. */
function readRecord<X>(file: string, parse: (bytes: Buffer) => X | null): { readonly found: X; readonly mtime: Date } | null {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  try {
    const found = parse(recordBytes.subarray(0, readSync(fd, recordBytes, 0, recordBytes.length, 0)));
    return found === null ? null : { found, mtime: fstatSync(fd).mtime };
  } finally {
    closeSync(fd);
  }
}

/** `worker`: what was run. `holder`: who claimed the directory. */
export function readIdentity(path: string, of: 'worker' | 'holder'): (Identity & { readonly at: string }) | null {
  const record = readRecord(`${path}/${of === 'worker' ? 'pid' : 'holder'}`, (bytes) => parseIdentity(bytes.toString()));
  return record === null ? null : { ...record.found, at: record.mtime.toISOString() };
}

export function readExit(path: string): (ExitRecord & { readonly at: string }) | null {
  const record = readRecord(`${path}/exit`, parseExit);
  return record === null ? null : { ...record.found, at: record.found.at ?? record.mtime.toISOString() };
}

/** Why the holder did not run the worker. */
export function readTrouble(path: string): string | null {
  return readOr(join(path, 'trouble'), (bytes) => bytes.toString().trim() || null);
}
