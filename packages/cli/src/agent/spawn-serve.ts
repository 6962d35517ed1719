import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Paths } from '@ostler/core';
import type { Client } from '../client/client.ts';
import { Failure } from '../failure.ts';
import type { AgentVerbOptions } from './options.ts';

/** For an agent to come up: stores are opened, plugins set up, engines asked. */
const upMs = 60_000;

/** Starts an agent of its own session that outlives this command, and waits until it answers. What it says goes to `agent.log` in the data directory. */
export async function spawnServe(options: AgentVerbOptions, hostFile: string, paths: Paths, client: Client): Promise<void> {
  const file = join(paths.dataDir, 'agent.log');
  await mkdir(paths.dataDir, { recursive: true, mode: 0o700 }).catch((error: Error) => {
    throw new Failure({
      code: 'data-dir-not-writable',
      message: `the data directory ${paths.dataDir} cannot be made: ${error.message}`,
      hint: 'name another one with --data-dir',
    });
  });
  const log = openLog(file, paths.dataDir);
  const begin = statSync(file).size;
  const args = [
    'serve',
    '--config',
    hostFile,
    '--data-dir',
    paths.dataDir,
    '--socket',
    paths.socket,
    ...(options.profile ?? []).flatMap((name) => ['--profile', name]),
  ];
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  let ended: { readonly how: string; readonly code: number } | null = null;
  child.once('error', (error) => {
    ended = { how: error.message, code: 1 };
  });
  child.once('exit', (code, signal) => {
    ended = { how: `it ended with ${signal ?? `code ${code}`}`, code: code === 0 || code === null ? 1 : code };
  });
  const until = performance.now() + upMs;
  while (performance.now() < until) {
    const end = ended as { readonly how: string; readonly code: number } | null;
    // On a full disk it could not even say so.
    if (end !== null && endOf(file, begin) === '' && (await freeBytes(paths.dataDir)) < littleBytes)
      throw new Failure({
        code: 'data-dir-full',
        message: `the disk of the data directory ${paths.dataDir} is full`,
        hint: 'free some room on that disk, or choose another data directory with --data-dir',
      });
    if (end !== null)
      throw new Failure({
        code: 'internal',
        message: `the agent did not come up: ${end.how}\n${endOf(file, begin)}`,
        hint: `its log: ${file}`,
        exitCode: end.code,
      });
    try {
      await client.request('GET', '/v1/agent', undefined, { deadlineMs: 2000 });
      child.unref();
      return;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
    await pause(25);
  }
  child.unref();
  throw new Failure({
    code: 'not-finished-in-time',
    message: `the agent (pid ${child.pid}) does not answer on ${paths.socket} after ${upMs / 1000} s`,
    hint: `its log: ${file}`,
    exitCode: 4,
  });
}

const littleBytes = 64 * 1024;

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function openLog(file: string, dataDir: string): number {
  try {
    return openSync(file, 'a', 0o600);
  } catch (error) {
    throw new Failure({
      code: 'data-dir-not-writable',
      message: `the data directory ${dataDir} cannot be written: ${(error as Error).message}`,
      hint: 'name another one with --data-dir',
    });
  }
}

/** What was written since, as people read it: the messages of JSON lines, other lines as they are. */
function endOf(file: string, begin: number): string {
  const said = readFileSync(file).subarray(begin).toString().trim();
  if (said === '') return '';
  const lines = said.split('\n').slice(-12);
  return lines
    .map((line) => {
      try {
        return `  ${(JSON.parse(line) as { msg: string }).msg}`;
      } catch {
        return `  ${line}`;
      }
    })
    .join('\n');
}
