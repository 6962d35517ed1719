import { execFile, spawn } from 'node:child_process';
import { chmodSync, chownSync, lstatSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runtimeFailure } from '@ostler/sdk';
import { makeInstance } from '../instance/directory.ts';
import { limitMark } from '../launch/limit-mark.ts';
import { argvWith, type Tools } from '../launch/wrapper.ts';
import { environmentScript } from './environment.ts';
import type { Holder, HolderStart } from './holder.ts';

const script = fileURLToPath(new URL('../../holder/holder.sh', import.meta.url));
const path = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';

/** The holder for every host with a POSIX shell. `shell`: what runs it, one or two words. `state`: the folder of all instances. */
export function shHolder(tools: () => Tools, state: string, shell: readonly string[] = ['/bin/sh']): Holder {
  return {
    name: 'sh',
    segments: 'raw',
    exit: 'text',
    async start(start, call) {
      const { dir, spec, account } = start;
      if (!start.exists) await makeInstance(dir, spec, async () => {});
      await fill(dir, account);
      // Without setpriv the holder itself changes its user, so the directory is to be that user's.
      const isHeldByAccount = account !== null && tools().setpriv === null;
      if (isHeldByAccount) {
        for (const folder of [state, dirname(dirname(dir)), dirname(dir)]) chmodSync(folder, 0o711);
        for (const name of readdirSync(dir)) if (!lstatSync(join(dir, name)).isDirectory()) chownSync(join(dir, name), account.uid, account.gid);
        chownSync(dir, account.uid, account.gid);
      }
      if (call.signal.aborted)
        throw runtimeFailure({ code: 'aborted', outcome: 'no', retryable: true, message: `the start of ${spec.ref.worker} was called off before it ran` });
      await launch(start, shell, tools(), isHeldByAccount ? account : null);
      return null;
    },
  };
}

/** What the script expects to be there. */
async function fill(dir: string, owner: { readonly uid: number; readonly gid: number } | null): Promise<void> {
  const there = new Set(readdirSync(dir));
  const fifos = ['alive', 'draining', 'out.p', 'err.p'].filter((name) => !there.has(name)).map((name) => join(dir, name));
  if (fifos.length > 0) await promisify(execFile)('mkfifo', ['-m', '600', ...fifos], { timeout: 5000 });
  // So that a worker of another user can open /dev/stdout.
  if (owner !== null) for (const name of ['out.p', 'err.p']) chownSync(join(dir, name), owner.uid, owner.gid);
}

/** Resolves once the process exists and has all it needs. Throws only if it certainly does not exist. */
function launch(start: HolderStart, shell: readonly string[], tools: Tools, runAs: { readonly uid: number; readonly gid: number } | null): Promise<void> {
  const { dir, spec, needsCgroups, command, environment, account, noNewPrivileges, ulimits } = start;
  const { own, memory, cpu, pids } = spec.cgroups;
  const groups = [...new Set([own, memory, cpu, pids])].filter((group) => group !== null);
  const marked = groups.map((group) => (needsCgroups ? group : `?${group}`));
  const argv = argvWith(tools, command, { account, noNewPrivileges, ulimits, mark: own === null ? limitMark(spec.ref) : null });
  const [program = '/bin/sh', ...words] = shell;
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...words, script, dir, String(spec.segmentBytes), spec.cwd, ...marked, '--', ...argv], {
      cwd: '/',
      detached: true,
      env: { PATH: path, OSTLER_HOLDER_SHELL: shell.join(' ') },
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      ...(runAs === null ? {} : { uid: runAs.uid, gid: runAs.gid }),
    });
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(
        runtimeFailure({
          code: error.code === 'EAGAIN' ? 'no-resources' : 'internal',
          outcome: 'no',
          retryable: true,
          message: `the holder could not be started: ${error.message}`,
        }),
      ),
    );
    const pipe = child.stdio[3] as NodeJS.WritableStream & { unref?(): void };
    // The holder may have left; what became of it is read from the directory.
    pipe.on('error', () => resolve());
    pipe.end(environmentScript(environment), () => resolve());
    child.unref();
  });
}
