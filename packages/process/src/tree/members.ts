import { readdirSync, readlinkSync } from 'node:fs';
import type { InstanceRef } from '@ostler/sdk';
import { cgroupMembers } from '../cgroup/cgroup.ts';
import { type Identity, lifeOf } from '../identity/identity.ts';
import { isAliveState, type ProcessEntry } from '../identity/process-stat.ts';
import { commandLine, readEnvironment, readProcess, readProcessTable } from '../identity/process-table.ts';
import { type InstanceDirectory, readExit, readIdentity } from '../instance/directory.ts';
import { hasNote } from '../instance/note.ts';
import { bearsLimitMark, limitMark } from '../launch/limit-mark.ts';
import { descendantsOf } from './descendants.ts';

/** Whether an environment carries this instance's marks. `OSTLER_WORKER` and `OSTLER_AGENT` are compared where the process kept them. */
export function bearsMark(environment: readonly string[], ref: InstanceRef): boolean {
  const value = (name: string) => environment.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
  const agrees = (name: string, want: string) => [undefined, want].includes(value(name));
  return value('OSTLER_INSTANCE') === ref.instance && agrees('OSTLER_WORKER', ref.worker) && agrees('OSTLER_AGENT', ref.agent);
}

/** Whether a process has the output of this instance open: a daemon that closed it must have meant to. Linux only; false where it may not be looked at. */
function writesTo(pid: number, path: string): boolean {
  const outputs = [`${path}/out.p`, `${path}/err.p`];
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => outputs.includes(linkOf(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return false;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // Closed meanwhile.
    return '';
  }
}

/**
 * The holder is no part of the worker, nor is what it calls itself: its drainers, and what records an end, without which that would never be known. Its
 * one child that is the worker's is the worker, which shows the holder's command line until it is recorded.
 */
function isStaff(entry: ProcessEntry, path: string, holder: number | null, worker: number | null): boolean {
  // Its drainers outlive it, for as long as anything has the worker's output open.
  if ([` - ${path}/out.`, ` - ${path}/err.`].some((end) => commandLine(entry).endsWith(end))) return true;
  if (holder === null || entry.pid === holder) return entry.pid === holder;
  return entry.parent === holder && entry.pid !== worker && !commandLine(entry).includes(' --worker ');
}

/** The table of all processes; read when it is asked for. */
type Table = () => ReadonlyMap<number, ProcessEntry>;

/** The live processes below a compiled holder, and in the worker's cgroups. `null` = another holder, or it cannot tell: they are to be looked for. */
function belowHolder({ path, spec }: InstanceDirectory): readonly ProcessEntry[] | null {
  if (spec.holder !== 'compiled') return null;
  const holder = readIdentity(path, 'holder');
  const isHolding = () => holder !== null && lifeOf(holder) === 'alive';
  const below = isHolding() ? descendantsOf(holder?.pid as number) : null;
  // Asked after the walk: one that died during it has no children any more, which tells nothing, unless it had said so.
  if (!isHolding() || below === null) return readExit(path)?.hasNoneLeft === true ? [] : null;
  const pids = new Set(below.map(({ pid }) => pid));
  const others = cgroupMembers(spec.cgroups).flatMap((pid) => (pids.has(pid) ? [] : (readProcess(pid) ?? [])));
  return [...below, ...others].filter(({ state }) => isAliveState(state));
}

/** The worker and what it began. What was run beside it may be left out. */
export const workerMembers = (instance: InstanceDirectory, read: Table): readonly ProcessEntry[] => belowHolder(instance) ?? searched(instance, [], read());

/**
 * Every live process of the instance. Below a compiled holder that lives are all that the worker began: it is their reaper. One that has ended with
 * its work says that nothing was left. What else there is is looked for. `known`: seen before, when more led to them.
 */
export function treeMembers(instance: InstanceDirectory, known: readonly ProcessEntry[] = []): readonly ProcessEntry[] {
  const { path } = instance;
  // No process outlives its kernel. To look through all of this one for each worker of a host that was started again would take seconds.
  const started = readIdentity(path, 'worker');
  if (started !== null && lifeOf(started) === 'other-boot') return [];
  const below = belowHolder(instance);
  // Only then: it reads the environment of every process.
  if (below === null || hasNote(path, 'execs')) return union(below ?? [], searched(instance, known, readProcessTable()));
  const still = known.flatMap(({ pid, start }) => {
    const entry = readProcess(pid);
    return entry?.start === start && isAliveState(entry.state) ? [entry] : [];
  });
  return union(below, still);
}

const union = (some: readonly ProcessEntry[], others: readonly ProcessEntry[]): readonly ProcessEntry[] => [
  ...new Map([...some, ...others].map((entry) => [entry.pid, entry])).values(),
];

/** What began before the worker is none of its own; `start` counts ticks on Linux (proc_pid_stat(5)), elsewhere it is only compared. */
const isOlder = (entry: ProcessEntry, worker: Identity | null): boolean =>
  process.platform === 'linux' && worker !== null && Number(entry.start) < Number(worker.start);

/**
 * By all that this host tells: its cgroups, its own and the holder's session, descent from the worker, and the environment's mark, which catches a process that
 * left session and parents, its limits' mark, which stays with one that dropped its environment too, and the worker's output, which it may still
 * have open where nothing could set that mark. A process that dropped all of these is found by a cgroup only, or because it was seen before.
 */
function searched({ path, spec }: InstanceDirectory, known: readonly ProcessEntry[], table: ReadonlyMap<number, ProcessEntry>): readonly ProcessEntry[] {
  const worker = readIdentity(path, 'worker');
  const holder = readIdentity(path, 'holder');
  const isHolderAlive = holder !== null && lifeOf(holder) === 'alive';
  const holderPid = holder?.pid ?? null;
  const inCgroup = cgroupMembers(spec.cgroups);
  const found = new Set<number>(inCgroup);
  const isWorkerAlive = worker !== null && lifeOf(worker) === 'alive';
  if (isWorkerAlive) found.add(worker.pid);
  for (const { pid, start } of known) if (table.get(pid)?.start === start) found.add(pid);
  // Looked for only where no cgroup tells more cheaply: it reads the limits and open files of every process.
  const isBlind = inCgroup.length === 0;
  const mark = limitMark(spec.ref);
  for (const entry of table.values()) {
    // A dead holder's number may be another's session by now, so it proves nothing then.
    if ((isHolderAlive && entry.session === holderPid) || (isWorkerAlive && entry.session === worker.pid)) found.add(entry.pid);
    else if (
      !found.has(entry.pid) &&
      !isOlder(entry, worker) &&
      (bearsMark(readEnvironment(entry.pid) ?? [], spec.ref) || (isBlind && (bearsLimitMark(entry.pid, mark) || writesTo(entry.pid, path))))
    )
      found.add(entry.pid);
  }
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const entry of table.values()) if (found.has(entry.parent) && entry.parent !== holderPid) found.add(entry.pid);
  }
  return [...found]
    .filter((pid) => pid !== process.pid)
    .map((pid) => table.get(pid))
    .filter((entry) => entry !== undefined)
    .filter((entry) => isAliveState(entry.state) && !isStaff(entry, path, holderPid, worker?.pid ?? null));
}

/** For people: `pid command`. */
export function describe(entries: readonly ProcessEntry[]): readonly string[] {
  return entries.map((entry) => `${entry.pid} ${commandLine(entry).slice(0, 200)}`);
}
