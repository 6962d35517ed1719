import { startCauses } from '../../src/supervise/cause.ts';
import type { Agent } from './agent.ts';
import type { Disk } from './disk.ts';
import type { Engine, Request } from './engine.ts';
import { Restarts } from './restarts.ts';
import { Rows } from './rows.ts';
import { Telling } from './telling.ts';
import { Words } from './words.ts';

/** What is looked at after each step: the world as it is, the disk, and the agent of the moment. */
export interface View {
  readonly engines: readonly Engine[];
  readonly disk: Disk;
  readonly agent: Agent | null;
  readonly slots: number;
  /** Blind when the last step had come to its end: what turns blind in the step in which a call goes out could not be known by it. */
  readonly blind: ReadonlySet<string>;
  /** Instances that ended with their engine while this agent could not see them. */
  readonly lost: ReadonlySet<string>;
  /** By worker: how often what a mutating call did was not told. */
  readonly unknown: ReadonlyMap<string, number>;
  /** By worker: how often a call that belongs to a start failed. */
  readonly startsFailed: ReadonlyMap<string, number>;
  /** By worker: how often somebody wished something of it. */
  readonly wishes: ReadonlyMap<string, number>;
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
/** By journal: after a loss it is another one. */
const folds = new WeakMap<object, Fold>();

const lastHeard = new WeakMap<Agent, number>();

const byItself: ReadonlySet<string> = new Set([startCauses.exited, startCauses['start-failed'], startCauses.unhealthy]);
const mostInAMinute = 10;

/** When each worker was started because the last one had ended, since somebody had to do with it. */
class Pace {
  readonly #starts = new Map<string, number[]>();
  #at = 0;

  tooMany({ journal }: Disk): string | null {
    for (; this.#at < journal.length; this.#at++) {
      const { type, worker, at, data } = journal[this.#at]!;
      if (worker === null) continue;
      // The host's clock is set now and then: a start before the last one begins a new count.
      const before = this.#starts.get(worker) ?? [];
      if (['worker.changed', 'worker.declared', 'worker.released'].includes(type)) this.#starts.delete(worker);
      if (type !== 'worker.starting') continue;
      const nowMs = Date.parse(at);
      if (!byItself.has((data as { cause: string }).cause) || nowMs < (before.at(-1) ?? 0)) this.#starts.delete(worker);
      else this.#starts.set(worker, [...before.filter((ms) => nowMs - ms < 60_000), nowMs]);
      if ((this.#starts.get(worker)?.length ?? 0) > mostInAMinute) return `${worker} was started ${mostInAMinute + 1} times within a minute`;
    }
    return null;
  }
}
interface Told {
  readonly what?: string;
  readonly code?: string;
}

/** How often each worker was told to be unresolved in its start, and that its start failed. */
class Reasons {
  readonly #unresolved = new Map<string, number>();
  readonly #failed = new Map<string, number>();
  #at = 0;

  missing({ disk, unknown, startsFailed }: View): string | null {
    const { journal } = disk;
    const isBeyond = (of: Map<string, number>, worker: string, most: ReadonlyMap<string, number>): boolean => {
      const told = (of.get(worker) ?? 0) + 1;
      of.set(worker, told);
      return told > (most.get(worker) ?? 0);
    };
    for (; this.#at < journal.length; this.#at++) {
      const { type, worker, data } = journal[this.#at]!;
      const { what, code = '' } = data as Told;
      if (worker === null) continue;
      if (type === 'worker.unresolved' && what === 'start' && isBeyond(this.#unresolved, worker, unknown))
        return `${worker} is unresolved, though each of its calls was answered`;
      // What was called off, found its engine gone, or has no definition any more, asked for nothing.
      const isAsked = code !== 'aborted' && code !== 'engine-down' && (disk.workers.get(worker)?.generation ?? null) !== null;
      const isOwn = type === 'worker.start-failed' && isAsked;
      if (isOwn && isBeyond(this.#failed, worker, startsFailed)) return `the start of ${worker} failed (${code}), though no call of it did`;
    }
    return null;
  }
}
const reasons = new WeakMap<object, Reasons>();
const words = new WeakMap<object, Words>();
const rows = new WeakMap<object, Rows>();
const tellings = new WeakMap<object, Telling>();
const restarts = new WeakMap<object, Restarts>();
const judged = new WeakMap<object, number>();
const paces = new WeakMap<object, Pace>();

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
      const fold = folds.get(disk.journal) ?? new Fold();
      folds.set(disk.journal, fold);
      for (const { worker, phase } of disk.workers.values()) {
        const isUp = fold.isUp(disk, worker);
        if (phase === 'running' && !isUp) return `${worker} runs by its row, not by the journal`;
        if (['backoff', 'done', 'failed'].includes(phase) && isUp) return `${worker} runs by the journal, its row says ${phase}`;
      }
      return null;
    },
  },
  {
    name: 'no secret',
    sentence: 'The value of a secret is in no line of the log.',
    check: ({ agent }) => agent?.leaks[0] ?? null,
  },
  {
    name: 'persisted, then told',
    sentence: 'Who follows the journal hears what is on the disk, each entry once, none left out.',
    check({ agent, disk }) {
      for (const { cursor, text } of agent?.heard.splice(0) ?? []) {
        if (disk.journal[cursor - 1]?.text !== text) return `entry ${cursor} was told and is not on the disk: ${text}`;
        const last = lastHeard.get(agent!) ?? cursor - 1;
        if (cursor !== last + 1) return `after entry ${last} of the journal ${cursor} was told`;
        lastHeard.set(agent!, cursor);
      }
      return null;
    },
  },
  {
    name: 'a crash loop is slowed',
    sentence: 'A worker that ends again and again by itself is not started more than ten times a minute.',
    check({ disk }) {
      const pace = paces.get(disk.journal) ?? new Pace();
      paces.set(disk.journal, pace);
      return pace.tooMany(disk);
    },
  },
  {
    name: 'no fault of its own',
    sentence: 'A worker that ended with its engine is neither slowed nor given up for that.',
    check({ disk, lost, agent }) {
      const from = judged.get(disk.journal) ?? 0;
      judged.set(disk.journal, disk.journal.length);
      for (let at = from; at < disk.journal.length; at++) {
        const { type, worker, instance } = disk.journal[at]!;
        const key = `${worker}/${instance}`;
        if ((type !== 'worker.backoff' && type !== 'worker.failed') || !lost.has(key)) continue;
        // Without a definition it is left as it is.
        if ((disk.workers.get(worker ?? '')?.generation ?? null) === null) continue;
        // What is never to be started again stays down, whatever ended it.
        if (agent?.crew.get(worker ?? '')?.normal()?.rules.restart.policy === 'never') continue;
        // Not because of a start that failed since, nor where it was being stopped for a fault of its own.
        const before = disk.journal.slice(0, at).findLast((one) => one.worker === worker)?.type;
        const isStopped = (disk.instances.get(key)?.stopCause ?? null) !== null;
        if (before !== 'worker.start-failed' && !isStopped) return `${worker} got ${type}: ${instance} had ended with its engine`;
      }
      return null;
    },
  },
  {
    name: 'failure has a reason',
    sentence: 'A start fails only where a call of it did, and is unresolved only where it was not told what a call did.',
    check(view) {
      const those = reasons.get(view.disk.journal) ?? new Reasons();
      reasons.set(view.disk.journal, those);
      return those.missing(view);
    },
  },
  {
    name: 'last words',
    sentence: 'With the end of a worker that failed the journal has what it printed last, without its secrets.',
    check({ disk, engines, agent }) {
      const those = words.get(disk.journal) ?? new Words();
      words.set(disk.journal, those);
      return those.missing(disk, engines, agent);
    },
  },
  {
    name: 'restarts by the rules',
    sentence: 'What follows an end, or a start that failed, is what the restart rules of the worker say: done, given up, or tried again so much later.',
    check(view) {
      const those = restarts.get(view.disk.journal) ?? new Restarts();
      restarts.set(view.disk.journal, those);
      return those.wrong(view);
    },
  },
  {
    name: 'rows are true',
    sentence: 'The row of an instance says what is: by which handle and on which engine it is found, when it was started, how it ended.',
    check(view) {
      const those = rows.get(view.disk.journal) ?? new Rows();
      rows.set(view.disk.journal, those);
      return those.wrong(view);
    },
  },
  {
    name: 'the journal is true',
    sentence: 'What is told of a start, an end, a stop and what outlived it is what was, and each is told once.',
    check(view) {
      const those = tellings.get(view.disk.journal) ?? new Telling();
      tellings.set(view.disk.journal, those);
      return those.wrong(view);
    },
  },
  {
    name: 'nothing is prepared for nothing',
    sentence: 'A preparation goes on only while its worker is being prepared, and beside no other.',
    check({ engines, agent }) {
      const seen = new Set<string>();
      for (const { method, owner, worker, isAbandoned, done } of engines.flatMap(({ requests }) => requests)) {
        if (method !== 'prepare' || owner !== agent?.owner || worker === null || isAbandoned || done !== null) continue;
        if (seen.has(worker)) return `${worker} is prepared twice at a time`;
        seen.add(worker);
        const phase = agent.crew.get(worker)?.life.phase;
        if (phase !== 'preparing') return `${worker} is ${phase}, and its preparation goes on`;
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
    check({ agent, disk }, { method, worker, instance }) {
      const cause = disk.instances.get(`${worker}/${instance}`)?.stopCause ?? '';
      if (method !== 'stop' || (cause !== 'down' && cause !== 'shutdown')) return null;
      const dependents = agent?.crew.all().filter((one) => one.normal()?.rules.dependsOn.some((rule) => rule.worker === worker)) ?? [];
      const still = dependents.find(({ life }) => life.phase === 'running' && life.blind === null && life.stopCause === null && life.want === 'held');
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
