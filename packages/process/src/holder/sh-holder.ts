import { execFile, spawn } from 'node:child_process';
import { chownSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runtimeFailure } from '@ostler/sdk';
import { environmentScript } from './environment.ts';
import type { Holder } from './holder.ts';

const script = fileURLToPath(new URL('../../holder/holder.sh', import.meta.url));
const path = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';

/** The holder for every host with a POSIX shell. `shell`: what runs it, one or two words. */
export function shHolder(shell: readonly string[] = ['/bin/sh']): Holder {
  return {
    name: 'sh',
    segments: 'raw',
    exit: 'text',
    async fill(dir, owner) {
      const fifos = ['alive', 'draining', 'out.p', 'err.p'].map((name) => join(dir, name));
      await promisify(execFile)('mkfifo', ['-m', '600', ...fifos], { timeout: 5000 });
      // So that a worker of another user can open /dev/stdout.
      if (owner !== null) for (const name of ['out.p', 'err.p']) chownSync(join(dir, name), owner.uid, owner.gid);
    },
    launch({ dir, segmentBytes, cwd, cgroups, needsCgroups, argv, environment, account }) {
      const groups = [...new Set([cgroups.own, cgroups.memory, cgroups.cpu, cgroups.pids])].filter((group) => group !== null);
      const marked = groups.map((group) => (needsCgroups ? group : `?${group}`));
      const [command = '/bin/sh', ...words] = shell;
      return new Promise((resolve, reject) => {
        const child = spawn(command, [...words, script, dir, String(segmentBytes), cwd, ...marked, '--', ...argv], {
          cwd: '/',
          detached: true,
          env: { PATH: path, OSTLER_HOLDER_SHELL: shell.join(' ') },
          stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
          ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
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
    },
  };
}
