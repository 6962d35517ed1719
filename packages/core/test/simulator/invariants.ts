import type { Agent } from './agent.ts';
import { canary } from './agent.ts';
import type { Disk } from './disk.ts';
import type { Engine, Request } from './engine.ts';

/** What is looked at after each step: the world as it is, the disk, and the agent of the moment. */
export interface View {
  readonly engines: readonly Engine[];
  readonly disk: Disk;
  readonly agent: Agent | null;
  readonly slots: number;
  /** Blind when the last step had come to its end: what turns blind in the step in which a call goes out could not be known by it. */
  readonly blind: ReadonlySet<string>;
  /** Held by a person, and told that it is. */
  readonly held: ReadonlySet<string>;
}

/** One thing that must always hold. `check` says how it does not, or `null`. */
export interface Invariant {
  readonly name: string;
  readonly sentence: string;
  check(view: View): string | null;
}
/** One thing that must hold whenever an agent asks an engine to change something. */
export interface CallInvariant {
  readonly name: string;
  readonly sentence: string;
  check(view: View, request: Request): string | null;
}

const live = (engines: readonly Engine[]) => engines.flatMap((engine) => [...engine.instances.values()].filter(({ is }) => is === 'running'));

/** Read once for each row of the journal, however often it is asked for. */
class Fold {
  readonly #up = new Map<string, boolean>();
  #at = 0;

  isUp(disk: Disk, worker: string): boolean {
    for (; this.#at < disk.journal.length; this.#at++) {
      const { type, worker: of } = disk.journal[this.#at]!;
      if (of === null) continue;
      if (type === 'worker.started' || type === 'worker.adopted') this.#up.set(of, true);
      if (type === 'worker.exited' || type === 'worker.stopped' || type === 'worker.removed') this.#up.set(of, false);
    }
    return this.#up.get(worker) ?? false;
  }
}
const folds = new WeakMap<Disk, Fold>();

export const invariants: readonly Invariant[] = [
  {
    name: 'one instance',
    sentence: 'At most one instance of a worker runs, whatever the engines and agents did.',
    check({ engines }) {
      const seen = new Set<string>();
      for (const { ref } of live(engines)) {
        if (seen.has(ref.worker)) return `two instances of ${ref.worker} run`;
        seen.add(ref.worker);
      }
      return null;
    },
  },
  {
    name: 'gone is seen',
    sentence: 'An instance is gone only where its own engine store was asked: another store is no evidence.',
    check({ engines, disk }) {
      for (const { worker, instance, state } of disk.instances.values()) {
        if (state !== 'gone') continue;
        if (engines.some((engine) => engine.instances.get(`${worker}/${instance}`)?.is === 'running'))
          return `${worker}/${instance} is taken for gone and runs`;
      }
      return null;
    },
  },
  {
    name: 'journal and state',
    sentence: 'What the journal tells of a worker is what its row says: it runs, or it does not.',
    check({ disk }) {
      const fold = folds.get(disk) ?? new Fold();
      folds.set(disk, fold);
      for (const { worker, phase } of disk.workers.values()) {
        const isUp = fold.isUp(disk, worker);
        if (phase === 'running' && !isUp) return `${worker} runs by its row, not by the journal`;
        if (['backoff', 'done', 'failed'].includes(phase) && isUp) return `${worker} runs by the journal, its row says ${phase}`;
      }
      return null;
    },
  },
  {
    name: 'a hold stays',
    sentence: 'A worker that a person holds stays held through any number of deaths of the agent.',
    check({ disk, held }) {
      for (const worker of held) if (disk.workers.get(worker)?.want === 'run') return `${worker} was held and is wanted again`;
      return null;
    },
  },
];

export const callInvariants: readonly CallInvariant[] = [
  {
    name: 'start slots',
    sentence:
      'A worker gets a slot only while fewer than the host allows are prepared or started, the second halves of starts and those that cannot be seen aside.',
    check({ agent, slots, blind }, { method, worker }) {
      if (method !== 'prepare') return null;
      const others = agent?.crew.all().filter((one) => {
        const { phase, startCause, blind: sight } = one.life;
        const isStarting = phase === 'preparing' || (phase === 'starting' && startCause !== 'again');
        return isStarting && one.worker !== worker && sight === null && !blind.has(one.worker);
      });
      return others !== undefined && others.length >= slots ? `${worker} is prepared beside ${others.length} others, ${slots} may` : null;
    },
  },
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
    name: 'nothing in the dark',
    sentence: 'Nothing is started or stopped while it cannot be seen what is there, or is not known what the last call did.',
    check({ agent, blind }, { method, worker }) {
      const life = agent?.crew.get(worker ?? '')?.life;
      if (life === undefined || (method !== 'start' && method !== 'stop')) return null;
      if (life.blind !== null && blind.has(worker ?? '')) return `${method} of ${worker} while blind`;
      return life.phase === 'unresolved' ? `${method} of ${worker} while unresolved` : null;
    },
  },
  {
    name: 'one call at a time',
    sentence: 'An agent never has two mutating calls of one worker under way.',
    check({ engines }, request) {
      if (!request.isMutating) return null;
      const other = engines
        .flatMap(({ requests }) => requests)
        .find((one) => one !== request && one.owner === request.owner && one.isMutating && one.worker === request.worker && !one.isAbandoned);
      return other === undefined ? null : `${request.method} of ${request.worker} beside its ${other.method}`;
    },
  },
  {
    name: 'held is not started',
    sentence: 'What a person holds, and was told so, is not started.',
    check: ({ held }, { method, worker }) => (method === 'start' && worker !== null && held.has(worker) ? `${worker} is held and started` : null),
  },
];

/** Whether all is as it should be once nothing fails any more; what is not, in a sentence. */
export function unsettled({ engines, agent, disk }: View): string | null {
  if (agent === null || !agent.isUp) return 'the agent is not up';
  const running = new Map(live(engines).map((real) => [real.ref.worker, real]));
  for (const one of agent.crew.all()) {
    const { worker, life } = one;
    const real = running.get(worker);
    const { phase, want, blind } = life;
    // Nobody but a person knows what became of one whose engine has another store now.
    const { engine: store = null } = disk.instances.get(`${worker}/${life.instance}`) ?? {};
    if (blind !== null && store !== null && !engines.some((engine) => engine.store === store)) continue;
    if (blind !== null) return `${worker} cannot be seen`;
    if (phase === 'running') {
      if (real?.ref.instance !== life.instance) return `${worker} is taken for running and is not`;
      if (want !== 'run') return `${worker} runs and is ${want}`;
      continue;
    }
    if (real !== undefined) return `${worker} runs and is ${phase}`;
    if (['done', 'failed', 'backoff'].includes(phase)) continue;
    if (phase === 'idle' && want !== 'run') continue;
    // Or found on an engine and not in the store: it waits for the host file.
    if (phase === 'waiting' && agent.crew.services.missing(worker) !== null) continue;
    if (one.generation() === null) continue;
    return `${worker} is ${phase} (${life.reason}), wanted to ${want}`;
  }
  for (const [worker, { ref }] of running) if (agent.crew.get(worker)?.life.instance !== ref.instance) return `${worker}/${ref.instance} runs and is nobody's`;
  return null;
}

/** The value of a secret, where it must not be. */
export function leaked({ disk }: View): string | null {
  const kept = JSON.stringify([disk.journal, [...disk.workers.values()], [...disk.instances.values()]]);
  return kept.includes(canary) ? 'the value of a secret is on the disk' : null;
}
