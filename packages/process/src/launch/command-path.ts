import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runtimeFailure } from '@ostler/sdk';

const refuse = (code: 'invalid' | 'not-found', message: string) => runtimeFailure({ code, outcome: 'no', retryable: false, message });

/** Throws unless `cwd` is a folder. */
export function checkWorkingDir(cwd: string): void {
  let stat: Stats | undefined;
  try {
    stat = statSync(cwd, { throwIfNoEntry: false });
  } catch (error) {
    throw refuse('invalid', `the working directory ${cwd} cannot be looked at: ${(error as Error).message}`);
  }
  if (stat === undefined) throw refuse('not-found', `the working directory ${cwd} does not exist`);
  if (!stat.isDirectory()) throw refuse('invalid', `the working directory ${cwd} is not a directory`);
}

/** Commands that were found a moment ago: a host file with a thousand workers has few. */
const found = new Map<string, number>();
const freshMs = 1000;

/** Throws unless `command` names a file that can be executed, in PATH or, with a `/` in it, against `cwd`. */
export function checkCommand(command: string | undefined, cwd: string, path: string): void {
  const key = `${command}\0${command?.startsWith('/') ? '' : `${cwd}\0${path}`}`;
  const now = performance.now();
  if (now - (found.get(key) ?? Number.NEGATIVE_INFINITY) < freshMs) return;
  if (found.size > 1000) found.clear();
  findCommand(command, cwd, path);
  found.set(key, now);
}

function findCommand(command: string | undefined, cwd: string, path: string): void {
  if (command === undefined || command === '') throw refuse('invalid', 'the worker has no command to run; give it `command:` or `shell:`');
  const places = command.includes('/') ? [resolve(cwd, command)] : path.split(':').map((folder) => join(resolve(cwd, folder || '.'), command));
  const files = places.filter(isFile);
  if (files.some(isExecutable)) return;
  if (files[0] !== undefined) throw refuse('invalid', `command "${command}" is not executable: ${files[0]}; try chmod +x`);
  if (command.includes('/')) throw refuse('not-found', `command "${command}" does not exist${places[0] === command ? '' : ` (looked for ${places[0]})`}`);
  throw refuse('not-found', `command "${command}" was not found in PATH ${path}`);
}

/** A folder of PATH that may not be searched counts as one without the command, as for a shell. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
