import type { JournalRecord, WorkerRecord } from '../store/index.ts';
import { field, linesOf, textOf } from './fields.ts';
import { fold } from './fold.ts';
import type { WhyEntry, WhyNow, WhyReport, WhyState } from './report.ts';
import { standing } from './standing.ts';

/** Agent-wide entries that explain what happened to every worker. */
const concernsAll: ReadonlySet<string> = new Set(['agent.started', 'agent.stopped', 'store.set-aside']);

/** The history of one worker, repeated cycles told once, and how it stands. Pure. `records`: ascending; those of other workers are left out. */
export function why(worker: string, records: readonly JournalRecord[], state: WhyState): WhyReport {
  const first = records.findIndex((r) => r.worker === worker);
  const told = first < 0 ? [] : records.slice(first).filter((r) => r.worker === worker || (r.worker === null && concernsAll.has(r.type)));
  const entries = fold(told, signature, (record, before) => entry(record, before));
  return { version: 1, worker, at: state.at, entries, now: state.worker === null ? null : now(state.worker, told, state) };
}

function now(record: WorkerRecord, told: readonly JournalRecord[], state: WhyState): WhyNow {
  const { heldBy, nextTryAt, restarts, failures: failuresInARow } = record;
  const giveUp = state.rules?.restart.giveUp ?? null;
  const blind = seenAtRest.has(record.phase) ? null : state.blind;
  return {
    state: state.state,
    since: blind?.since ?? verdictAt(record, told) ?? record.since,
    reason: blind === null ? record.reason : `its runtime cannot be asked: ${blind.reason}`,
    ...{ heldBy, nextTryAt, restarts, failuresInARow },
    restartsLeft: giveUp === null ? null : Math.max(0, giveUp - failuresInARow),
    ...standing(record, told, { ...state, blind }),
  };
}

/** Of what rests, nothing has to be seen to know how it stands. */
const seenAtRest: ReadonlySet<string> = new Set(['idle', 'done', 'failed', 'backoff', 'waiting']);

/** Since when a running worker has been as its probes call it. */
function verdictAt({ phase, health, instance, worker }: WorkerRecord, told: readonly JournalRecord[]): string | null {
  if (phase !== 'running' || (health !== 'ok' && health !== 'bad')) return null;
  const ofRun = told.filter((one) => one.worker === worker && one.instance === instance && (one.type === 'worker.healthy' || one.type === 'worker.unhealthy'));
  const [is, other] = health === 'ok' ? ['worker.healthy', 'worker.unhealthy'] : ['worker.unhealthy', 'worker.healthy'];
  const turned = ofRun.slice(ofRun.findLastIndex(({ type }) => type === other) + 1);
  return turned.find(({ type }) => type === is)?.at ?? null;
}

/** Alike enough to be told once: times, pids and delays may differ, what happened and why may not. */
function signature({ type, data }: JournalRecord): string {
  return JSON.stringify([type, ...['code', 'signal', 'oom', 'cause', 'why', 'for', 'message'].map((name) => field(data, name))]);
}

function entry(record: JournalRecord, before: WhyEntry['before']): WhyEntry {
  const { cursor, at, type: what, text, instance, data } = record;
  return {
    ...{ cursor, at, what, text, instance, before },
    cause: textOf(data, 'cause') ?? textOf(data, 'why'),
    evidence: textOf(data, 'evidence'),
    nextTryAt: textOf(data, 'nextTryAt'),
    lastLines: linesOf(data, 'lastLines'),
  };
}
