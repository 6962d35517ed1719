import type { Exit, Handle, Json } from '@ostler/sdk';
import type { GenerationRecord, InstanceRecord, JournalEntry, JournalRecord, WorkerRecord } from './records.ts';

type Value = string | number | null;
export type Row = Record<string, unknown>;

/** How one kind of record lies in its table: columns in the order of `put`, which gives one value for each. */
export interface Columns<T> {
  readonly table: string;
  readonly names: readonly string[];
  put(record: T): Value[];
  take(row: Row): T;
}

const pack = (value: unknown): string => JSON.stringify(value) ?? 'null';
const packOrNull = (value: unknown): string | null => (value === null || value === undefined ? null : JSON.stringify(value));
const unpack = <T>(text: unknown): T => JSON.parse(text as string) as T;
const unpackOrNull = <T>(text: unknown): T | null => (text === null ? null : unpack<T>(text));

export const workers: Columns<WorkerRecord> = {
  table: 'workers',
  names: [
    ...['worker', 'want', 'held_by', 'phase', 'health', 'generation', 'instance', 'since', 'reason', 'restarts', 'failures'],
    ...['next_try_at', 'epoch', 'last_due_at', 'extra'],
  ],
  put: (r) => [
    ...[r.worker, r.want, r.heldBy, r.phase, r.health, r.generation, r.instance, r.since, r.reason, r.restarts, r.failures],
    ...[r.nextTryAt, r.epoch, r.lastDueAt, pack(r.extra)],
  ],
  take: (row) => ({
    worker: row['worker'] as string,
    want: row['want'] as WorkerRecord['want'],
    heldBy: row['held_by'] as string | null,
    phase: row['phase'] as WorkerRecord['phase'],
    health: row['health'] as WorkerRecord['health'],
    generation: row['generation'] as number | null,
    instance: row['instance'] as string | null,
    since: row['since'] as string,
    reason: row['reason'] as string,
    restarts: row['restarts'] as number,
    failures: row['failures'] as number,
    nextTryAt: row['next_try_at'] as string | null,
    epoch: row['epoch'] as number,
    lastDueAt: row['last_due_at'] as string | null,
    extra: unpack<Json>(row['extra']),
  }),
};

export const generations: Columns<GenerationRecord> = {
  table: 'generations',
  names: ['worker', 'counter', 'digest', 'runtime', 'written', 'base_dir', 'artifact', 'secrets', 'created_at'],
  put: (r) => [r.worker, r.counter, r.digest, r.runtime, pack(r.written), r.baseDir, pack(r.artifact), pack(r.secrets), r.createdAt],
  take: (row) => ({
    worker: row['worker'] as string,
    counter: row['counter'] as number,
    digest: row['digest'] as string,
    runtime: row['runtime'] as string,
    written: unpack<Json>(row['written']),
    baseDir: row['base_dir'] as string,
    artifact: unpack<GenerationRecord['artifact']>(row['artifact']),
    secrets: unpack<Record<string, string>>(row['secrets']),
    createdAt: row['created_at'] as string,
  }),
};

export const instances: Columns<InstanceRecord> = {
  table: 'instances',
  names: ['worker', 'instance', 'generation', 'runtime', 'state', 'handle', 'engine', 'intended_at', 'started_at', 'exit', 'stop_cause'],
  put: (r) => [
    ...[r.worker, r.instance, r.generation, r.runtime, r.state, packOrNull(r.handle), r.engine, r.intendedAt, r.startedAt],
    ...[packOrNull(r.exit), r.stopCause],
  ],
  take: (row) => ({
    worker: row['worker'] as string,
    instance: row['instance'] as string,
    generation: row['generation'] as string,
    runtime: row['runtime'] as string,
    state: row['state'] as InstanceRecord['state'],
    handle: unpackOrNull<Handle>(row['handle']),
    engine: row['engine'] as string | null,
    intendedAt: row['intended_at'] as string,
    startedAt: row['started_at'] as string | null,
    exit: unpackOrNull<Exit>(row['exit']),
    stopCause: row['stop_cause'] as string | null,
  }),
};

export const values: Columns<readonly [name: string, value: Json]> = {
  table: 'agent_values',
  names: ['name', 'value'],
  put: ([name, value]) => [name, pack(value)],
  take: (row) => [row['name'] as string, unpack<Json>(row['value'])],
};

/** The cursor is the store's own: it is taken, never put. */
export const journal: { readonly table: string; readonly names: readonly string[]; put(entry: JournalEntry): Value[]; take(row: Row): JournalRecord } = {
  table: 'journal',
  names: ['at', 'type', 'worker', 'instance', 'text', 'data'],
  put: (e) => [e.at, e.type, e.worker, e.instance, e.text, pack(e.data)],
  take: (row) => ({
    cursor: row['cursor'] as number,
    at: row['at'] as string,
    type: row['type'] as string,
    worker: row['worker'] as string | null,
    instance: row['instance'] as string | null,
    text: row['text'] as string,
    data: unpack<Json>(row['data']),
  }),
};
