import { setTimeout as sleep } from 'node:timers/promises';
import { killCgroup } from '../cgroup/cgroup.ts';
import { bootId } from '../identity/boot.ts';
import { lifeOf, signalIdentity } from '../identity/identity.ts';
import { isAliveState, type ProcessEntry } from '../identity/process-stat.ts';
import { readProcess } from '../identity/process-table.ts';
import { orderHolder } from '../instance/control.ts';
import { type InstanceDirectory, readIdentity } from '../instance/directory.ts';
import { treeMembers } from './members.ts';

const send = (entry: ProcessEntry, signal: NodeJS.Signals | number): void => {
  try {
    signalIdentity({ pid: entry.pid, start: entry.start, boot: bootId() }, signal);
  } catch (error) {
    // A set-user-id program of an ordinary user: it stays, and is named.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
  }
};

function isThere({ pid, start }: ProcessEntry): boolean {
  const now = readProcess(pid);
  return now?.start === start && isAliveState(now.state);
}

/** A signal by its number, to the worker's process group without the holder and the drainers, which share it. `false` = the worker is not alive. */
export function signalWorker(instance: InstanceDirectory, signal: number): boolean {
  const worker = readIdentity(instance.path, 'worker');
  if (worker === null || lifeOf(worker) !== 'alive') return false;
  // Its parent has not reaped it, so it cannot be mistaken.
  if (instance.spec.holder === 'compiled' && orderHolder(instance.path, signal)) return true;
  const group = readProcess(worker.pid)?.group;
  for (const entry of treeMembers(instance)) if (entry.group === group && entry.pid !== worker.pid) send(entry, signal);
  return signalIdentity(worker, signal);
}

/** A signal by its number. */
export function signalEntries(entries: readonly ProcessEntry[], signal: number): void {
  for (const entry of entries) send(entry, signal);
}

/**
 * Ends the whole tree. Against forkers all are stopped first, then looked for again until nothing new turns up, then killed: one look and
 * kill would miss those born in between. `known`: members seen while their parents still lived, which led to them. Resolves with what is still
 * there at the deadline.
 */
export async function killTree(instance: InstanceDirectory, deadlineMs: number, known: readonly ProcessEntry[] = []): Promise<readonly ProcessEntry[]> {
  const members = (): readonly ProcessEntry[] => treeMembers(instance, known);
  for (;;) {
    killCgroup(instance.spec.cgroups);
    const stopped = new Map<number, ProcessEntry>();
    for (let isNew = true; isNew; ) {
      isNew = false;
      for (const entry of members()) {
        if (stopped.has(entry.pid)) continue;
        isNew = true;
        stopped.set(entry.pid, entry);
        send(entry, 'SIGSTOP');
      }
      if (Date.now() > deadlineMs) break;
    }
    for (const entry of stopped.values()) send(entry, 'SIGKILL');
    // After the deadline too: what was killed is there for a moment, which says nothing.
    for (let waitMs = 1; [...stopped.values()].some(isThere) && waitMs < 500; waitMs *= 2) await sleep(waitMs);
    const left = members();
    if (left.length === 0 || Date.now() >= deadlineMs) return left;
  }
}
