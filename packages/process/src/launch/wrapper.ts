import { accessSync, constants } from 'node:fs';
import type { WorkerSpec } from '@ostler/sdk';
import type { Account } from './account.ts';

/** util-linux programs that change what a process may do, then exec; `null` = not on this host. */
export interface Tools {
  readonly setpriv: string | null;
  readonly prlimit: string | null;
}

function find(name: string): string | null {
  for (const folder of ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin']) {
    try {
      accessSync(`${folder}/${name}`, constants.X_OK);
      return `${folder}/${name}`;
    } catch {
      // Looked for in the next folder.
    }
  }
  return null;
}

export function findTools(): Tools {
  return process.platform === 'linux' ? { setpriv: find('setpriv'), prlimit: find('prlimit') } : { setpriv: null, prlimit: null };
}

/** Names that prlimit(1) knows. */
export const knownUlimits = [
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
];

/** The worker's argv behind the programs that set its limits and then drop to its user: in that order, since only root may raise a limit. */
export function argvWith(
  tools: Tools,
  command: readonly string[],
  want: {
    readonly account: Account | null;
    readonly noNewPrivileges: boolean;
    readonly ulimits: WorkerSpec['ulimits'];
    /** See limit-mark.ts; a worker with a limit on locks of its own goes without. */
    readonly mark: bigint | null;
  },
): readonly string[] {
  const limits = Object.entries(want.ulimits).filter(([name]) => knownUlimits.includes(name));
  const value = (bound: number) => (bound < 0 ? 'unlimited' : String(bound));
  const flags = limits.map(([name, { soft, hard }]) => `--${name}=${value(soft)}:${value(hard)}`);
  if (want.mark !== null && !limits.some(([name]) => name === 'locks')) flags.push(`--locks=${want.mark}:`);
  const prlimit = tools.prlimit === null || flags.length === 0 ? [] : [tools.prlimit, ...flags];
  const { account, noNewPrivileges } = want;
  const setpriv =
    tools.setpriv === null || (account === null && !noNewPrivileges)
      ? []
      : [
          tools.setpriv,
          ...(account === null
            ? []
            : [
                `--reuid=${account.uid}`,
                `--regid=${account.gid}`,
                account.groups.length === 0 ? '--clear-groups' : `--groups=${account.groups.join(',')}`,
                '--inh-caps=-all',
              ]),
          ...(noNewPrivileges ? ['--no-new-privs'] : []),
        ];
  return [...prlimit, ...setpriv, ...command];
}
