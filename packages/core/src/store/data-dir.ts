import { randomBytes, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { problem } from '../base/problem.ts';
import { sqliteTrouble } from './sqlite-error.ts';
import { writeWhole } from './write-whole.ts';

export interface DataDir {
  readonly path: string;
  /** The agent's identity: a UUID that lives as long as this directory. */
  readonly agentId: string;
  /** Made just now: nothing can run of this agent yet. */
  readonly isNew: boolean;
  /** 32 bytes for keyed digests. Secret: never logged. */
  readonly key: Uint8Array;
  /** What the log should say: a machine that cannot be told, for one. */
  readonly notes: readonly string[];
}

export interface DataDirOptions {
  /** Identity of this machine; `null` where it cannot be told. Default: /etc/machine-id (machine-id(5)). */
  readonly machineId?: string | null | undefined;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Makes or opens the directory of an agent: `agent.id`, `machine.id`, `agent.key`. Rejects with a problem: `data-dir-not-writable`, `data-dir-full`,
 * `data-dir-cloned` (the same id on another machine: two agents would take each other's workers for their own).
 */
export async function openDataDir(path: string, options: DataDirOptions = {}): Promise<DataDir> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    const notes: string[] = [];
    await checkOwner(path, notes);
    const known = await readOrNull(join(path, 'agent.id'));
    await checkMachine(path, known !== null, options.machineId === undefined ? await ownMachineId() : options.machineId, notes);
    const key = await readOrMake(join(path, 'agent.key'), () => randomBytes(32));
    if (key.length !== 32) throw damaged(join(path, 'agent.key'), '32 bytes');
    // The id last: a directory that has one is complete.
    const agentId = (await readOrMake(join(path, 'agent.id'), () => Buffer.from(`${randomUUID()}\n`))).toString('utf8').trim();
    if (!uuid.test(agentId)) throw damaged(join(path, 'agent.id'), 'a UUID');
    return { path, agentId, isNew: known === null, key, notes };
  } catch (error) {
    throw explained(path, error);
  }
}

async function checkOwner(path: string, notes: string[]): Promise<void> {
  const { uid, mode } = await stat(path);
  const self = process.geteuid?.();
  if (self !== undefined && uid !== self) {
    throw problem({
      code: 'data-dir-not-writable',
      message: `The data directory ${path} belongs to user ${uid}; this agent runs as user ${self}.`,
      hint: 'Start the agent as the owner of that directory, or choose another one with --data-dir.',
    });
  }
  if ((mode & 0o022) !== 0) notes.push(`the data directory ${path} can be written by others (mode ${(mode & 0o777).toString(8)}): chmod 700 it`);
  await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
}

async function checkMachine(path: string, isOld: boolean, machineId: string | null, notes: string[]): Promise<void> {
  const file = join(path, 'machine.id');
  const written = (await readOrNull(file))?.trim();
  if (machineId === null) {
    notes.push('the identity of this machine cannot be told: a cloned data directory would not be noticed');
    return;
  }
  if (written === machineId) return;
  if (isOld && written) {
    throw problem({
      code: 'data-dir-cloned',
      message: `The data directory ${path} was made on another machine (${file} says ${written}, this machine is ${machineId}).`,
      hint:
        `A copy (a cloned disk): delete ${join(path, 'agent.id')} and ${file}, and this agent begins as a new one. ` +
        `The same agent moved here: write ${machineId} into ${file}. Nothing was touched.`,
    });
  }
  await writeWhole(file, `${machineId}\n`);
}

/** Two agents may start at once on a new directory, before the store's lock decides between them: the first to write is right. */
async function readOrMake(path: string, make: () => Uint8Array): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await writeWhole(path, make(), true).catch((error) => (error.code === 'EEXIST' ? undefined : Promise.reject(error)));
  return await readFile(path);
}

function damaged(path: string, expected: string): Error {
  return problem({
    code: 'data-dir-not-writable',
    message: `${path} is damaged: ${expected} was expected.`,
    hint: 'Put the file back from a backup. Deleting it makes a new one: running workers are then no longer known as unchanged.',
  });
}

async function ownMachineId(): Promise<string | null> {
  const text = await readFile('/etc/machine-id', 'utf8').catch(() => '');
  return /^[0-9a-f]{32}$/.test(text.trim()) ? text.trim() : null;
}

function readOrNull(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error) => (error.code === 'ENOENT' ? null : Promise.reject(error)));
}

function explained(path: string, error: unknown): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (typeof syscall !== 'string') return error;
  if (sqliteTrouble(error) === 'full') {
    const hint = 'Free some room on that disk, or choose another data directory with --data-dir.';
    return problem({ code: 'data-dir-full', message: `The disk of the data directory ${path} is full (${code}).`, hint }, error);
  }
  const hint = 'Make it writable for the user that the agent runs as, or choose another data directory with --data-dir.';
  return problem({ code: 'data-dir-not-writable', message: `The data directory ${path} cannot be used: ${message}.`, hint }, error);
}
