import type { StartSlots } from '../../src/supervise/gate.ts';
import type { Supervisor } from '../../src/supervise/index.ts';
import type { Agent } from './agent.ts';
import { Applies } from './applying.ts';
import type { Disk } from './disk.ts';
import type { Engine } from './engine.ts';
import { Fold } from './fold.ts';
import { Pace } from './pace.ts';
import { Reasons } from './reasons.ts';
import { Restarts } from './restarts.ts';
import { Rows } from './rows.ts';
import { Telling } from './telling.ts';
import { Words } from './words.ts';

/** What is looked at after each step: the world as it is, the disk, and the agent of the moment. */
export interface View {
  /** How often the host's clock was set. */
  readonly jumps: number;
  readonly engines: readonly Engine[];
  readonly disk: Disk;
  readonly agent: Agent | null;
  readonly slots: StartSlots;
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
  /** The same, when everything was asked to go down last, and those that there were then. */
  readonly wishesAtDown: ReadonlyMap<string, number>;
  readonly meantByDown: ReadonlySet<Supervisor>;
  readonly heldBeforeDown: ReadonlySet<Supervisor>;
  /** This agent is stopping everything. */
  readonly isGoingDown: boolean;
  /** Those that were to be removed at one time: that they are is told only at their end. */
  readonly removed: ReadonlySet<string>;
  /** Held by a person, and told that it is. */
  readonly held: ReadonlySet<string>;
}

/** One thing that must always hold. `check` says how it does not, or `null`. */
export interface Invariant {
  readonly name: string;
  readonly sentence: string;
  check(view: View): string | null;
}

const lastHeard = new WeakMap<Agent, number>();

/** One judge for each journal: after a loss it is another one. */
function ofJournal<Judge>(make: () => Judge): (disk: Disk) => Judge {
  const judges = new WeakMap<object, Judge>();
  return ({ journal }) => {
    const judge = judges.get(journal) ?? make();
    judges.set(journal, judge);
    return judge;
  };
}
const applies = ofJournal(() => new Applies());
const folds = ofJournal(() => new Fold());
const paces = ofJournal(() => new Pace());
const reasons = ofJournal(() => new Reasons());
const words = ofJournal(() => new Words());
const rows = ofJournal(() => new Rows());
const tellings = ofJournal(() => new Telling());
const restarts = ofJournal(() => new Restarts());
const goneRows = ofJournal(() => new Set<string>());
const judged = ofJournal(() => ({ upTo: 0 }));

/** Of what became of a call or an instance nothing is known yet. */
const unknowing: ReadonlySet<string> = new Set(['worker.unresolved', 'worker.blind', 'worker.seen']);

export const invariants: readonly Invariant[] = [
  {
    name: 'one instance',
    sentence: 'At most one instance of a worker runs, whatever the engines and agents did.',
    check({ engines }) {
      const seen = new Set<string>();
      for (const { instances } of engines)
        for (const { ref, is } of instances.values()) {
          if (is !== 'running') continue;
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
      const seen = goneRows(disk);
      for (const { worker, instance, state } of disk.instances.values()) {
        if (state !== 'gone') continue;
        const key = `${worker}/${instance}`;
        const isNew = !seen.has(key);
        seen.add(key);
        for (const engine of engines) {
          const is = engine.instances.get(key)?.is;
          // One of its name may have come again after it was taken away.
          if (is === 'running' || (is === 'exited' && isNew && !engine.removed.has(key))) return `${key} is taken for gone, and is ${is}`;
        }
      }
      return null;
    },
  },
  {
    name: 'journal and state',
    sentence: 'What the journal tells of a worker is what its row says: it runs, or it does not.',
    check: ({ disk }) => folds(disk).wrong(disk),
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
    name: 'persisted, then applied',
    sentence: 'A plan is told as applied once all that it changes is on the disk.',
    check: ({ disk }) => applies(disk).early(disk),
  },
  {
    name: 'a crash loop is slowed',
    sentence: 'A worker that ends again and again by itself is not started more than ten times a minute, unless it has asked for that.',
    check: (view) => paces(view.disk).tooMany(view),
  },
  {
    name: 'no fault of its own',
    sentence: 'A worker that ended with its engine is neither slowed nor given up for that.',
    check({ disk, lost, agent }) {
      const seen = judged(disk);
      const from = seen.upTo;
      seen.upTo = disk.journal.length;
      for (let at = from; at < disk.journal.length; at++) {
        const { type, worker, instance } = disk.journal[at]!;
        const key = `${worker}/${instance}`;
        if ((type !== 'worker.backoff' && type !== 'worker.failed') || !lost.has(key)) continue;
        // Without a definition it is left as it is.
        if ((disk.workers.get(worker ?? '')?.generation ?? null) === null) continue;
        // What is never to be started again stays down, whatever ended it.
        if (agent?.crew.get(worker ?? '')?.normal()?.rules.restart.policy === 'never') continue;
        // Not because of a start that failed since, however long nobody knew of it, nor where it was being stopped for a fault of its own.
        const before = disk.journal.slice(0, at).findLast((one) => one.worker === worker && !unknowing.has(one.type))?.type;
        const isStopped = (disk.instances.get(key)?.stopCause ?? null) !== null;
        if (before !== 'worker.start-failed' && !isStopped) return `${worker} got ${type}: ${instance} had ended with its engine`;
      }
      return null;
    },
  },
  {
    name: 'failure has a reason',
    sentence: 'A start fails only where a call of it did, and is unresolved only where it was not told what a call did.',
    check: (view) => reasons(view.disk).missing(view),
  },
  {
    name: 'last words',
    sentence: 'With the end of a worker that failed the journal has what it printed last, without its secrets.',
    check: ({ disk, engines, agent }) => words(disk).missing(disk, engines, agent),
  },
  {
    name: 'restarts by the rules',
    sentence: 'What follows an end, or a start that failed, is what the restart rules of the worker say: done, given up, or tried again so much later.',
    check: (view) => restarts(view.disk).wrong(view),
  },
  {
    name: 'rows are true',
    sentence: 'The row of an instance says what is: by which handle and on which engine it is found, when it was started, how it ended.',
    check: (view) => rows(view.disk).wrong(view),
  },
  {
    name: 'the journal is true',
    sentence: 'What is told of a start, an end, a stop and what outlived it is what was, and each is told once.',
    check: (view) => tellings(view.disk).wrong(view),
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
