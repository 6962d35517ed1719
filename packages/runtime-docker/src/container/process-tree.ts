import { readdirSync, readFileSync } from 'node:fs';

interface Member {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
}

/** One that cannot be stopped may begin others for ever. */
const mostRounds = 20;

/**
 * Ends a process of a container with what it has begun: its session, and whoever descends from it. Nothing happens where that pid is none of the
 * container's, as that of an engine on another machine, or where this user may not.
 */
export function killTree(pid: number, container: string): void {
  if (pid <= 1 || !isIn(pid, container) || !signal(pid, 'SIGSTOP')) return;
  const tree = new Set([pid]);
  // Stopped before any is killed: they begin nothing more, and of an orphan nothing tells whose it is.
  for (let round = 0; round < mostRounds; round++) {
    const found = foundBeside(tree, pid, container);
    if (found.length === 0) break;
    for (const one of found) {
      signal(one, 'SIGSTOP');
      tree.add(one);
    }
  }
  for (const one of tree) signal(one, 'SIGKILL');
}

/** Members of the tree beside those known. */
function foundBeside(tree: ReadonlySet<number>, root: number, container: string): readonly number[] {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (memberOf(Number(name)) ?? []) : []));
  return all.filter(({ pid, parent, session }) => !tree.has(pid) && (session === root || tree.has(parent)) && isIn(pid, container)).map(({ pid }) => pid);
}

/** proc_pid_stat(5); the name before the last bracket may hold anything. */
function memberOf(pid: number): Member | null {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'latin1');
    const [, parent, , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid, parent: Number(parent), session: Number(session) };
  } catch {
    return null;
  }
}

function isIn(pid: number, container: string): boolean {
  try {
    return readFileSync(`/proc/${String(pid)}/cgroup`, 'utf8').includes(container);
  } catch {
    return false;
  }
}

/** False = it is gone, or not ours to signal. */
function signal(pid: number, name: 'SIGSTOP' | 'SIGKILL'): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}
