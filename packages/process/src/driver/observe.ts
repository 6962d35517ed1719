import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, type Exit, type Found, type InstanceRef, type Listed, type Observed, runtimeFailure } from '@ostler/sdk';
import { oomKills } from '../cgroup/cgroup.ts';
import { bootId } from '../identity/boot.ts';
import { handleTo, lifeOf } from '../identity/identity.ts';
import { type InstanceDirectory, type InstanceSpec, openInstance, readExit, readIdentity } from '../instance/directory.ts';
import { isHeld } from '../instance/lifeline.ts';
import { removeSecretFiles } from '../launch/secret-files.ts';
import { describe, treeMembers } from '../tree/members.ts';

/** How long the holder gets to record a start or an end that is under way. */
const settleMs = 2000;

/** What the directory and the kernel say at this moment, and the records it was read from. */
export interface Glance {
  readonly is: 'created' | 'starting' | 'running' | 'ending' | 'exited';
  readonly worker: ReturnType<typeof readIdentity>;
  readonly exit: ReturnType<typeof readExit>;
}

export function glance({ path }: InstanceDirectory): Glance {
  const worker = readIdentity(path, 'worker');
  const exit = readExit(path);
  const seen = (is: Glance['is'], last = exit): Glance => ({ is, worker, exit: last });
  const isHolding = () => {
    const holder = readIdentity(path, 'holder');
    return (holder !== null && lifeOf(holder) === 'alive') || isHeld(`${path}/alive`);
  };
  if (exit !== null) return seen('exited');
  if (worker === null) {
    if (isHolding()) return seen('starting');
    // Looked at again: it may have been recorded, and even have ended, in between.
    return seen(readIdentity(path, 'worker') === null ? 'created' : 'ending');
  }
  const life = lifeOf(worker);
  if (life === 'other-boot') return seen('exited');
  if (life === 'alive') return seen('running');
  if (!isHolding()) return seen('exited', readExit(path));
  const late = readExit(path);
  return late === null ? seen('ending') : seen('exited', late);
}

interface Settled extends Omit<Glance, 'is'> {
  readonly is: 'created' | 'running' | 'exited' | 'gone';
}

/** Waits out a start or an end that the holder has not recorded yet. Throws `engine-hung` if it does not: that is neither created nor exited. */
export async function settle(instance: InstanceDirectory, call: Call): Promise<Settled> {
  const until = Math.min(Date.now() + settleMs, call.deadlineMs);
  for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 50)) {
    const seen = glance(instance);
    const { is } = seen;
    if (is !== 'starting' && is !== 'ending') {
      // A removal by rename makes all records vanish at once.
      if (is === 'created' && openInstance(instance.path) === null) return { ...seen, is: 'gone' };
      return { ...seen, is };
    }
    if (call.signal.aborted || Date.now() >= until) {
      const what = is === 'starting' ? 'has not recorded the start yet' : 'has not recorded the exit yet';
      throw runtimeFailure({
        code: call.signal.aborted ? 'aborted' : 'engine-hung',
        outcome: 'no',
        retryable: true,
        message: `the holder of ${instance.spec.ref.worker} ${what}; whether the worker runs cannot be told from ${instance.path}`,
      });
    }
    await sleep(waitMs);
  }
}

export async function observe(instance: InstanceDirectory, engine: string, call: Call): Promise<Found> {
  const { spec } = instance;
  const { is, worker, exit } = await settle(instance, call);
  if (is === 'gone') return { is, engine };
  const head = { ref: spec.ref, handle: handleTo(worker), engine };
  if (is === 'running' && worker !== null) return { ...head, is, startedAt: worker.at, endpoints: spec.endpoints, pid: worker.pid };
  if (is === 'created') return { ...head, is };
  removeSecretFiles(spec.secretsDir);
  const left = describe(treeMembers(instance));
  return { ...head, is: 'exited', exit: exitOf(spec, worker, exit), ...(left.length === 0 ? {} : { left }) };
}

function exitOf(spec: InstanceSpec, worker: Glance['worker'], record: Glance['exit']): Exit {
  if (record === null) return { code: null, signal: null, at: null, oom: 'unknown', evidence: 'inferred' };
  const { code, signal, at } = record;
  const kills = record.oomKills ?? (worker?.boot === bootId() ? oomKills(spec.cgroups) : null);
  // Nobody counted: only a SIGKILL leaves the question open.
  const oom = kills === null ? (signal === 'SIGKILL' ? 'unknown' : 'no') : kills === 0 ? 'no' : signal === 'SIGKILL' ? 'main' : 'inside';
  return { code, signal, at, oom, evidence: 'holder' };
}

/** For lists: never waits. What is under way counts as running; a hint or the next inspect tells more. */
export function listed(instance: InstanceDirectory): Listed {
  const { is, worker } = glance(instance);
  return { ref: instance.spec.ref, handle: handleTo(worker), is: is === 'created' || is === 'exited' ? is : 'running' };
}

/** The instance of a ref, `null` if there is none; `open` = {@link openInstance}. Throws `conflict` when its directory belongs to another generation. */
export function instanceOf(path: string, ref: InstanceRef, open = openInstance): InstanceDirectory | null {
  const instance = open(path);
  if (instance !== null && instance.spec.ref.generation !== ref.generation)
    throw runtimeFailure({
      code: 'conflict',
      outcome: 'no',
      retryable: false,
      message: `instance ${ref.instance} of ${ref.worker} is of generation ${instance.spec.ref.generation}, not ${ref.generation}`,
    });
  return instance;
}

export const asObserved = (found: Found, ref: InstanceRef): Observed => {
  if (found.is !== 'gone') return found;
  throw runtimeFailure({
    code: 'internal',
    outcome: 'unknown',
    retryable: true,
    message: `the directory of ${ref.worker} ${ref.instance} was removed while it started`,
  });
};
