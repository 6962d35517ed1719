import { readdirSync, readlinkSync } from 'node:fs';
import type { InstanceRef } from '@ostler/sdk';
import { cgroupMembers } from '../cgroup/cgroup.ts';
import { lifeOf } from '../identity/identity.ts';
import { isAliveState, type ProcessEntry } from '../identity/process-stat.ts';
import { commandLine, readEnvironment, readProcessTable } from '../identity/process-table.ts';
import { type InstanceDirectory, readIdentity } from '../instance/directory.ts';
import { bearsLimitMark, limitMark } from '../launch/limit-mark.ts';

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

/** The holder and its drainers are no part of the worker. */
function isStaff(entry: ProcessEntry, holder: number | null, path: string, isCompiled: boolean): boolean {
  if (entry.pid === holder) return true;
  // All children of a compiled holder are the worker's: those of its descendants that lost their parent come to it.
  if (isCompiled) return false;
  if (entry.parent !== holder && entry.session !== holder) return false;
  const line = commandLine(entry);
  // A drainer that has not become `split` yet still shows the holder's own command line.
  // One that is ending has no command line any more.
  return (
    line === '[split]' ||
    line.includes(` ${path}/out.`) ||
    line.includes(` ${path}/err.`) ||
    (line.includes(`holder.sh ${path} `) && !line.includes(' --worker '))
  );
}

/**
 * Every live process of the instance, by all that this host tells: its cgroups, the holder's session, descent from the worker, and the
 * environment's mark, which catches a process that left session and parents, its limits' mark, which stays with one that dropped its environment
 * too, and the worker's output, which it may still have open where nothing could set that mark. A process that dropped all of these is found by a cgroup only, or because it was seen before: `known`.
 */
export function treeMembers(instance: InstanceDirectory, table = readProcessTable(), known: readonly ProcessEntry[] = []): readonly ProcessEntry[] {
  const { path, spec } = instance;
  const worker = readIdentity(path, 'worker');
  const holder = readIdentity(path, 'holder');
  const isHolderAlive = holder !== null && lifeOf(holder) === 'alive';
  const holderPid = holder?.pid ?? null;
  const inCgroup = cgroupMembers(spec.cgroups);
  const found = new Set<number>(inCgroup);
  if (worker !== null && lifeOf(worker) === 'alive') found.add(worker.pid);
  for (const { pid, start } of known) if (table.get(pid)?.start === start) found.add(pid);
  // Looked for only where no cgroup tells more cheaply: it reads the limits and open files of every process.
  const isBlind = inCgroup.length === 0;
  const mark = limitMark(spec.ref);
  for (const entry of table.values()) {
    // A dead holder's number may be another's session by now, so it proves nothing then.
    if (isHolderAlive && entry.session === holderPid) found.add(entry.pid);
    else if (
      !found.has(entry.pid) &&
      (bearsMark(readEnvironment(entry.pid) ?? [], spec.ref) || (isBlind && (bearsLimitMark(entry.pid, mark) || writesTo(entry.pid, path))))
    )
      found.add(entry.pid);
  }
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const entry of table.values())
      if (entry.parent === holderPid ? isHolderAlive && spec.holder === 'compiled' : found.has(entry.parent)) found.add(entry.pid);
  }
  return [...found]
    .filter((pid) => pid !== process.pid)
    .map((pid) => table.get(pid))
    .filter((entry) => entry !== undefined)
    .filter((entry) => isAliveState(entry.state) && !isStaff(entry, holderPid, path, spec.holder === 'compiled'));
}

/** For people: `pid command`. */
export function describe(entries: readonly ProcessEntry[]): readonly string[] {
  return entries.map((entry) => `${entry.pid} ${commandLine(entry).slice(0, 200)}`);
}
