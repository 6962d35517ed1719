import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, type Found, runtimeFailure, type StopRule, signalNumber } from '@ostler/sdk';
import { removeCgroups } from '../cgroup/cgroup.ts';
import { type InstanceDirectory, removeInstance } from '../instance/directory.ts';
import { removeSecretFiles } from '../launch/secret-files.ts';
import { killTree, signalWorker } from '../tree/kill.ts';
import { describe, treeMembers } from '../tree/members.ts';
import { glance, observe, settle } from './observe.ts';

/** How long a killed tree gets to be gone. */
export const reapMs = 10_000;

/** Its number: real-time signals have no name that Node knows. */
export function signalOf(name: string): number {
  const number = signalNumber(name);
  if (number !== null && (process.platform === 'linux' || name in constants.signals)) return number;
  throw runtimeFailure({ code: 'invalid', outcome: 'no', retryable: false, message: `"${name}" is no signal of this host; use a full name such as SIGTERM` });
}

/** Signal, grace, then the whole tree. An abort during the grace leaves the worker with the signal only. */
export async function stopInstance(instance: InstanceDirectory, engine: string, how: StopRule, call: Call): Promise<Found> {
  const signal = signalOf(how.signal ?? 'SIGTERM');
  const { is } = await settle(instance, call);
  if (is === 'gone') return { is, engine };
  if (is === 'created') return observe(instance, engine, call);
  // Looked at before the worker goes: a child that left session and mark is an orphan afterwards, and nobody's.
  const known = treeMembers(instance);
  if (is === 'running' && how.graceMs > 0) {
    signalWorker(instance, signal);
    const until = Date.now() + how.graceMs;
    for (let waitMs = 1; glance(instance).is === 'running' && Date.now() < until; waitMs = Math.min(waitMs * 2, 50)) {
      throwIfAborted(call, instance);
      await sleep(Math.min(waitMs, Math.max(1, until - Date.now())));
    }
  }
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
