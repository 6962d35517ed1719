import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isAliveState, type ProcessEntry } from '../identity/process-stat.ts';
import { readProcess } from '../identity/process-table.ts';

/** What a walk asks the kernel. `children`: `null` = this kernel does not list them. */
export interface Look {
  children(pid: number): readonly number[] | null;
  process(pid: number): ProcessEntry | null;
  /** How many threads it has; 0 = it is no more. */
  threads(pid: number): number;
}

const kernel: Look = { children: childrenOf, process: readProcess, threads: (pid) => threadsOf(pid).length };
const walks = 8;

/**
 * All processes below one, zombies too. `null` where the kernel does not list children (CONFIG_PROC_CHILDREN), on macOS, and where they come and go
 * too fast to be listed.
 *
 * A list of children that loses one while it is read skips its neighbour (proc_pid_children(5); a living one in 1 of 20,000 reads was measured), and
 * the children of one that dies meanwhile move to a list that was read before. Both take an end, so a walk counts only if none of those in it had ended.
 */
export function descendantsOf(root: number, look = kernel): readonly ProcessEntry[] | null {
  if (look === kernel && process.platform !== 'linux') return null;
  let zombies = new Map<number, number>();
  for (let walk = 0; walk < walks; walk += 1) {
    const parents = walkBelow(root, look);
    if (parents === null) return null;
    const entries: ProcessEntry[] = [];
    const ended = new Map<number, number>();
    for (const [pid, parent] of parents) {
      const entry = look.process(pid);
      if (entry !== null) entries.push(entry);
      if (entry === null || entry.parent !== parent || !isAliveState(entry.state)) ended.set(pid, parent);
    }
    // One that nobody reaps had no children left to move, nor left its list, if it was there, and all of its threads over, at the last walk already.
    if ([...ended].every(([pid, parent]) => zombies.get(pid) === parent && look.process(pid)?.parent === parent)) return entries;
    // The first thread of a killed process may be over before the others, which have its children until then.
    zombies = new Map([...ended].filter(([pid]) => look.threads(pid) <= 1));
  }
  return null;
}

/** Each process below one, with the one whose child it was. */
function walkBelow(root: number, look: Look): ReadonlyMap<number, number> | null {
  const parents = new Map<number, number>();
  for (const waiting = [root]; waiting.length > 0; ) {
    const parent = waiting.pop() as number;
    const children = look.children(parent);
    if (children === null) return null;
    for (const child of children) {
      if (!parents.has(child)) waiting.push(child);
      parents.set(child, parent);
    }
  }
  return parents;
}

function childrenOf(pid: number): readonly number[] | null {
  const children: number[] = [];
  for (const thread of threadsOf(pid)) {
    try {
      children.push(...readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number));
    } catch (error) {
      if (existsSync(`/proc/${pid}/task/${thread}`) && (error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    }
  }
  return children;
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    // It has ended meanwhile.
    return [];
  }
}
