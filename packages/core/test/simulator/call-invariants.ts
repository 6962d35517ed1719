import { isDeepStrictEqual } from 'node:util';
import type { Supervisor } from '../../src/supervise/index.ts';
import { generationOf } from './generation.ts';
import type { View } from './invariants.ts';
import type { Request } from './requests.ts';

/** One thing that must hold whenever an agent asks an engine to change something. */
export interface CallInvariant {
  readonly name: string;
  readonly sentence: string;
  check(view: View, request: Request): string | null;
}

const mayRun: ReadonlySet<string> = new Set(['starting', 'running', 'stopping', 'unresolved']);
/** Where a host file says nothing (docs/host-file.md). */
const usualGraceMs = 10_000;
/** In which epoch each worker of an agent was asked for what. */
const asked = new WeakMap<Supervisor, Map<string, number>>();

/** What ran under that name and is there still keeps another from coming. */
function mayCome({ engine, worker, instance }: Request): boolean {
  const real = engine.instances.get(`${worker}/${instance}`);
  return real === undefined || real.is === 'created';
}

export const callInvariants: readonly CallInvariant[] = [
  {
    name: 'ref before start',
    sentence: 'Every start has a ref that was persisted before it.',
    check: ({ disk }, { method, worker, instance }) =>
      method === 'start' && !disk.instances.has(`${worker}/${instance}`) ? `${worker}/${instance} is started and not on the disk` : null,
  },
  {
    name: 'cause before stop',
    sentence: 'Every stop has a cause that was persisted before it.',
    check: ({ disk }, { method, worker, instance }) =>
      method === 'stop' && (disk.instances.get(`${worker}/${instance}`)?.stopCause ?? null) === null
        ? `${worker}/${instance} is stopped without a cause`
        : null,
  },
  {
    name: 'stops in order',
    sentence: 'Where everything is stopped, a worker is stopped when those that depend on it no longer run.',
    check({ agent, disk, wishes, wishesAtDown, meantByDown, heldBeforeDown, isGoingDown }, { method, worker, instance }) {
      const cause = disk.instances.get(`${worker}/${instance}`)?.stopCause ?? '';
      // What a dead agent was about is stopped by the next one as it is found.
      if (method !== 'stop' || !isGoingDown || (cause !== 'down' && cause !== 'shutdown')) return null;
      // As it is to run, and as it runs: it may be declared anew while all go down.
      const isDependent = (one: Supervisor): boolean =>
        [one.normal(), one.normal(one.generation(one.life.instanceGeneration))].every((its) => its?.rules.dependsOn.some((rule) => rule.worker === worker));
      const dependents = agent?.crew.all().filter(isDependent) ?? [];
      // Somebody may start one of them meanwhile.
      const isWished = (name: string): boolean => wishes.get(name) !== wishesAtDown.get(name);
      // Its stop was decided before, perhaps without an order, and has waited for its engine since.
      const stopped = agent?.crew.get(worker ?? '');
      if (stopped !== undefined && heldBeforeDown.has(stopped) && !isWished(stopped.worker)) return null;
      const still = dependents.find((one) => meantByDown.has(one) && mayRun.has(one.life.phase) && !isWished(one.worker));
      return still === undefined ? null : `${worker} is stopped while ${still.worker} still runs`;
    },
  },
  {
    name: 'nothing in the dark',
    sentence: 'Nothing is started or stopped while it cannot be seen what is there, or is not known what the last call did.',
    check({ agent, blind }, { method, worker, instance }) {
      const life = agent?.crew.get(worker ?? '')?.life;
      if (life !== undefined && method === 'remove' && life.phase === 'unresolved' && instance === life.instance)
        return `${worker} is removed while unresolved`;
      if (life === undefined || (method !== 'start' && method !== 'stop')) return null;
      if (life.blind !== null && blind.has(worker ?? '')) return `${method} of ${worker} while blind`;
      return life.phase === 'unresolved' ? `${method} of ${worker} while unresolved` : null;
    },
  },
  {
    name: 'one call at a time',
    sentence: 'An agent never has two mutating calls of one worker under way, but for one on the engine that it has left: a removal, or of what has ended.',
    check({ agent, engines }, request) {
      if (!request.isMutating) return null;
      const instances = agent?.crew.get(request.worker ?? '')?.instances;
      const hasEnded = ({ instance }: Request): boolean => ['exited', 'gone'].includes(instances?.get(instance ?? '')?.state ?? '');
      const isApart = (one: Request): boolean => one.engine !== request.engine && (one.method === 'remove' || request.method === 'remove' || hasEnded(one));
      const other = engines
        .flatMap(({ requests }) => requests)
        .find((one) => one !== request && one.owner === request.owner && one.isMutating && one.worker === request.worker && !one.isAbandoned && !isApart(one));
      return other === undefined ? null : `${request.method} of ${request.worker} beside its ${other.method}`;
    },
  },
  {
    name: 'one call for one decision',
    sentence: 'What was decided once is prepared once and started once.',
    check({ agent }, { method, worker, owner }) {
      const one = agent?.crew.get(worker ?? '');
      if ((method !== 'prepare' && method !== 'start') || agent?.owner !== owner || one === undefined) return null;
      const seen = asked.get(one) ?? new Map<string, number>();
      asked.set(one, seen);
      const isAgain = seen.get(method) === one.life.epoch;
      seen.set(method, one.life.epoch);
      return isAgain ? `the ${method} of ${worker} is asked for twice` : null;
    },
  },
  {
    name: 'ended by its signal',
    sentence: 'A worker that names no signal is stopped by SIGTERM where it is a process, by what its image names where it is a container.',
    check({ agent }, { method, worker, signal, engine, owner }) {
      if (method !== 'stop' || agent?.owner !== owner) return null;
      const usual = engine.name === 'native' ? 'SIGTERM' : null;
      return signal === usual ? null : `${worker} is stopped on ${engine.name} by ${signal ?? 'what its image names'}`;
    },
  },
  {
    name: 'ended in its time',
    sentence: 'A worker is given the time to end that its own definition gives it; where that is not known, its present one, on the same runtime.',
    check({ agent }, { method, worker, instance, graceMs, engine, owner }) {
      const one = agent?.crew.get(worker ?? '');
      if (method !== 'stop' || agent?.owner !== owner || one === undefined) return null;
      const its = generationOf(one, one.instances.get(instance ?? '')?.generation);
      const present = one.generation();
      const generation = its ?? (present?.runtime === engine.name ? present : null);
      const expected = one.normal(generation)?.rules.stop.graceMs ?? usualGraceMs;
      return graceMs === expected ? null : `${worker}/${instance} is given ${graceMs} ms to end, not ${expected}`;
    },
  },
  {
    name: 'what has ended is not started',
    sentence: 'No start is asked for under the name of an instance that was seen to end.',
    check({ agent }, { method, worker, instance, owner }) {
      if (method !== 'start' || agent?.owner !== owner) return null;
      const state = agent.crew.get(worker ?? '')?.instances.get(instance ?? '')?.state;
      return state === 'exited' || state === 'gone' ? `${worker}/${instance} is started, and is ${state}` : null;
    },
  },
  {
    name: 'a name is kept',
    sentence: 'While a start that was given up may still be carried out, its worker is started under no other name.',
    check({ engines }, { method, worker, instance }) {
      const other = engines
        .flatMap(({ requests }) => requests)
        .find((one) => method === 'start' && one.method === 'start' && one.worker === worker && one.instance !== instance && one.done === null && mayCome(one));
      return other === undefined ? null : `${worker}/${instance} is started, and ${other.instance} may still come`;
    },
  },
  {
    name: 'looked for by its handle',
    sentence: 'What is known by a handle is asked for by it, and what became of a call whose outcome is unknown by the name alone.',
    check({ agent }, { method, worker, instance, owner, by }) {
      const one = agent?.crew.get(worker ?? '');
      if ((method !== 'inspect' && method !== 'stop') || agent?.owner !== owner || one === undefined || instance === null) return null;
      const handle = one.life.phase === 'unresolved' ? null : (one.instances.get(instance)?.handle ?? null);
      return isDeepStrictEqual(handle, by) ? null : `the ${method} of ${worker}/${instance} (${one.life.phase}) is by ${JSON.stringify(by)}`;
    },
  },
  {
    name: 'held is not started',
    sentence: 'What a person holds, and was told so, is not started.',
    check: ({ held }, { method, worker }) => (method === 'start' && worker !== null && held.has(worker) ? `${worker} is held and started` : null),
  },
];
