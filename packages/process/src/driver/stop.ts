import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, type Found, runtimeFailure, type StopRule, signalNumber } from '@ostler/sdk';
import { removeCgroups } from '../cgroup/cgroup.ts';
import type { ProcessEntry } from '../identity/process-stat.ts';
import { readProcess, readProcessTable } from '../identity/process-table.ts';
import { type InstanceDirectory, removeInstance } from '../instance/directory.ts';
import { removeSecretFiles } from '../launch/secret-files.ts';
import { endGently } from '../tree/gently.ts';
import { killTree, signalWorker } from '../tree/kill.ts';
import { describe, treeMembers, workerMembers } from '../tree/members.ts';
import { glance, observe, settle } from './observe.ts';

/** What only writes its last lines, or notices by itself that its first process has gone, gets time for that. */
export const byItselfMs = 1000;
/** How long a killed tree gets to be gone. */
export const reapMs = 10_000;

/** Its number: real-time signals have no name that Node knows. */
export function signalOf(name: string): number {
  const number = signalNumber(name);
  if (number !== null && (process.platform === 'linux' || name in constants.signals)) return number;
  throw runtimeFailure({ code: 'invalid', outcome: 'no', retryable: false, message: `"${name}" is no signal of this host; use a full name such as SIGTERM` });
}

/**
 * Signal, grace, then the whole tree. The grace is for all of it: a shell around a server ends at once, and the server needs what it needs. An abort during the
 * grace leaves the worker with the signal only.
 */
export async function stopInstance(instance: InstanceDirectory, engine: string, how: StopRule, call: Call): Promise<Found> {
  const signal = signalOf(how.signal ?? 'SIGTERM');
  const { is, worker } = await settle(instance, call);
  if (is === 'gone') return { is, engine };
  if (is === 'created') return observe(instance, engine, call);
  // Looked at before the worker goes: a child that left session and mark is an orphan afterwards, and nobody's.
  const known = treeMembers(instance);
  const until = Date.now() + how.graceMs;
  const group = is === 'running' && worker !== null ? readProcess(worker.pid)?.group : undefined;
  if (is === 'running' && how.graceMs > 0) {
    signalWorker(instance, signal);
    for (let waitMs = 1; glance(instance).is === 'running' && Date.now() < until; waitMs = Math.min(waitMs * 2, 50)) {
      throwIfAborted(call, instance);
      await sleep(Math.min(waitMs, Math.max(1, until - Date.now())));
    }
  }
  throwIfAborted(call, instance);
  const leftMs = Math.max(0, until - Date.now());
  const aloneMs = Math.min(byItselfMs, leftMs / 2);
  const isCalledOff = (): boolean => call.signal.aborted;
  const wasAsked = (entry: ProcessEntry): boolean => entry.group === group;
  // Without what was run beside it: a shell that somebody has open in it would take all of the grace.
  const members = () => workerMembers(instance, readProcessTable);
  if (leftMs > 0) await endGently({ signal, byItselfMs: aloneMs, graceMs: leftMs - aloneMs, members, wasAsked, isCalledOff });
  throwIfAborted(call, instance);
  await killTree(instance, Math.min(Date.now() + reapMs, call.deadlineMs), known);
  const found = await observe(instance, engine, call);
  if (found.is === 'running')
    throw runtimeFailure({
      code: 'timeout',
      outcome: 'unknown',
      retryable: true,
      message: `${instance.spec.ref.worker} (pid ${found.pid}) was sent SIGKILL and is still there; a process that waits for a dead disk or device does that`,
    });
  return found;
}

function throwIfAborted(call: Call, { spec }: InstanceDirectory): void {
  if (call.signal.aborted)
    throw runtimeFailure({
      code: 'aborted',
      outcome: 'unknown',
      retryable: true,
      message: `the stop of ${spec.ref.worker} was called off; it may have had its signal`,
    });
}

/** Takes all of an ended instance away. `clear`: ends what it left running; while any of that is there it stays, or nobody would find it: `conflict`. */
export async function removeEnded(instance: InstanceDirectory, clear: () => Promise<void>, call: Call): Promise<void> {
  const { path, spec } = instance;
  const conflict = (text: string) => runtimeFailure({ code: 'conflict', outcome: 'no', retryable: false, message: text });
  const { is } = await settle(instance, call);
  if (is === 'running') throw conflict(`${spec.ref.worker} ${spec.ref.instance} is running; stop it first`);
  if (treeMembers(instance).length > 0) {
    await clear();
    const left = describe(treeMembers(instance));
    if (left.length > 0) throw conflict(`${spec.ref.worker} ${spec.ref.instance} has ended but left processes that no signal ends (${left.join('; ')})`);
  }
  removeSecretFiles(spec.secretsDir);
  removeCgroups(spec.cgroups);
  removeInstance(path);
}
