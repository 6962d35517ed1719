import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { runtimeFailure } from '@ostler/sdk';

const run = promisify(execFile);

/** A user of this host, as numbers. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  readonly home: string;
}

const refuse = (message: string) => runtimeFailure({ code: 'invalid', outcome: 'no', retryable: false, message });

async function id(flag: string, user: string): Promise<readonly number[] | null> {
  try {
    const { stdout } = await run('id', [flag, '--', user], { timeout: 5000 });
    return stdout.trim().split(/\s+/).map(Number);
  } catch (error) {
    // id ends with 1 for a user it does not know; anything else (not there, too slow) is no answer.
    if ((error as { code?: unknown }).code === 1) return null;
    throw error;
  }
}

function passwd(match: (fields: readonly string[]) => boolean): readonly string[] | undefined {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .find(match);
}

async function groupNumber(group: string): Promise<number> {
  if (/^\d+$/.test(group)) return Number(group);
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${group}:`));
  if (line !== undefined) return Number(line.split(':')[2]);
  try {
    const { stdout } = await run('getent', ['group', group], { timeout: 5000 });
    return Number(stdout.split(':')[2]);
  } catch {
    throw refuse(`the group "${group}" does not exist on this host`);
  }
}

/** `user` is `name | number`, with an optional `:group`. Throws `invalid` for one that does not exist. A number need not have a name. */
export async function resolveAccount(user: string, extraGroups: readonly string[]): Promise<Account> {
  const [who = '', group] = user.split(':');
  const isNumber = /^\d+$/.test(who);
  const uid = isNumber ? Number(who) : (await id('-u', who))?.[0];
  if (uid === undefined) throw refuse(`the user "${who}" does not exist on this host`);
  const entry = passwd((fields) => (isNumber ? fields[2] === who : fields[0] === who));
  const gid = group === undefined ? (entry ? Number(entry[3]) : ((await id('-g', who))?.[0] ?? uid)) : await groupNumber(group);
  const own = isNumber && entry === undefined ? [] : ((await id('-G', entry?.[0] ?? who)) ?? []);
  const extra = await Promise.all(extraGroups.map(groupNumber));
  return { name: entry?.[0] ?? who, uid, gid, groups: [...new Set([...own, ...extra])].filter((one) => one !== gid), home: entry?.[5] || '/' };
}
