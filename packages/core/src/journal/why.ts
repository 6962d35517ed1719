import type { Json } from '@ostler/sdk';
import type { JournalRecord, WorkerRecord } from '../store/index.ts';
import { fold } from './fold.ts';

export interface WhyEntry {
  readonly cursor: number;
  /** RFC 3339. */
  readonly at: string;
  /** The journal's type: `worker.exited`. */
  readonly what: string;
  readonly text: string;
  readonly instance: string | null;
  readonly cause: string | null;
  readonly evidence: string | null;
  readonly nextTryAt: string | null;
  /** The end of the worker's output, where the journal kept it. */
  readonly lastLines: readonly string[];
  /** Set on the first entry of steps that repeat: these `steps` entries happened `times` times before, in the same way. */
  readonly before: { readonly steps: number; readonly times: number; readonly firstAt: string; readonly lastAt: string } | null;
}

/** What is true now. `restartsLeft`: `null` = no limit, or not known. */
export interface WhyState {
  readonly worker: WorkerRecord | null;
  readonly restartsLeft: number | null;
}

export interface WhyReport {
  readonly version: 1;
  readonly worker: string;
  /** Oldest first. */
  readonly entries: readonly WhyEntry[];
  /** `null`: there is no such worker (any more). */
  readonly now: {
    readonly state: string;
    readonly since: string;
    readonly reason: string;
    readonly heldBy: string | null;
    readonly nextTryAt: string | null;
    readonly restarts: number;
    readonly failuresInARow: number;
    readonly restartsLeft: number | null;
  } | null;
}

/** Agent-wide entries that explain what happened to every worker. */
const concernsAll: ReadonlySet<string> = new Set(['agent.started', 'agent.stopped', 'store.set-aside']);

/** The history of one worker, repeated cycles told once, and how it stands. Pure. `records`: ascending; those of other workers are left out. */
export function why(worker: string, records: readonly JournalRecord[], state: WhyState): WhyReport {
  const first = records.findIndex((r) => r.worker === worker);
  const own = first < 0 ? [] : records.slice(first).filter((r) => r.worker === worker || (r.worker === null && concernsAll.has(r.type)));
  const entries = fold(own, signature, (record, before) => entry(record, before));
  return { version: 1, worker, entries, now: state.worker === null ? null : present(state.worker, state.restartsLeft) };
}

/** Alike enough to be told once: times, pids and delays may differ, what happened and why may not. */
function signature({ type, data }: JournalRecord): string {
  return JSON.stringify([type, ...['code', 'signal', 'oom', 'cause', 'why', 'message'].map((name) => field(data, name))]);
}

function entry(record: JournalRecord, before: WhyEntry['before']): WhyEntry {
  const { cursor, at, type: what, text, instance, data } = record;
  const lastLines = field(data, 'lastLines');
  return {
    ...{ cursor, at, what, text, instance, before },
    cause: textOf(data, 'cause') ?? textOf(data, 'why'),
    evidence: textOf(data, 'evidence'),
    nextTryAt: textOf(data, 'nextTryAt'),
    lastLines: Array.isArray(lastLines) ? lastLines.filter((line) => typeof line === 'string') : [],
  };
}

function present(record: WorkerRecord, restartsLeft: number | null): WhyReport['now'] {
  const { since, reason, heldBy, nextTryAt, restarts, failures: failuresInARow } = record;
  return { state: stateText(record), since, reason, heldBy, nextTryAt, restarts, failuresInARow, restartsLeft };
}

function stateText({ phase, health, want }: WorkerRecord): string {
  if (phase === 'idle' && want === 'held') return 'stopped';
  if (phase !== 'running') return phase;
  return health === 'ok' ? 'healthy' : health === 'bad' ? 'unhealthy' : 'running';
}

function field(data: Json, name: string): Json {
  return typeof data === 'object' && data !== null && !Array.isArray(data) ? ((data as Record<string, Json>)[name] ?? null) : null;
}

function textOf(data: Json, name: string): string | null {
  const value = field(data, name);
  return typeof value === 'string' ? value : null;
}
