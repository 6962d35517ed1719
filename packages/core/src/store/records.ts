import type { Artifact, Exit, Handle, Json } from '@ostler/sdk';

/** What the user wants of a worker. `held`: stopped by hand (or by `down`) until `start`; survives any number of agent deaths. */
export type Want = 'run' | 'held' | 'removed';
export type Phase = 'idle' | 'waiting' | 'preparing' | 'starting' | 'running' | 'stopping' | 'unresolved' | 'backoff' | 'done' | 'failed';
export type Health = 'none' | 'starting' | 'ok' | 'bad';

/** One version of a worker's resolved spec. Never changed once written. */
export interface GenerationRecord {
  readonly worker: string;
  /** 1, 2, 3 …: minted only on a real difference. */
  readonly counter: number;
  /** Keyed digest of `written` and `runtime`, 16 hex digits: what an instance carries in its ref. */
  readonly digest: string;
  readonly runtime: string;
  /** What the user wrote, after `extends`, `defaults` and `vars`: no schema defaults in it, so that a new default is no difference. */
  readonly written: Json;
  /** Folder of the host file it came from. */
  readonly baseDir: string;
  readonly artifact: Artifact;
  /** Keyed HMACs of secret values by reference. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly createdAt: string;
}

/** The state of one worker: everything supervision must know again after a kill -9. */
export interface WorkerRecord {
  readonly worker: string;
  readonly want: Want;
  /** Who holds it: `user`, `down`; `null` when not held. */
  readonly heldBy: string | null;
  readonly phase: Phase;
  readonly health: Health;
  /** Current generation; `null` = unknown (the store was lost and the digest fits nothing). */
  readonly generation: number | null;
  /** The instance that is being started, runs, is being stopped, or ended last. */
  readonly instance: string | null;
  /** RFC 3339: since when it is in this phase. */
  readonly since: string;
  /** One plain sentence: why it is in this phase. */
  readonly reason: string;
  /** Starts by the agent after the first, since the generation began. */
  readonly restarts: number;
  /** Failures in a row: drives the backoff; 0 after `resetAfter`. */
  readonly failures: number;
  /** RFC 3339, for backoff and cron. */
  readonly nextTryAt: string | null;
  /** Grows with every effect; the result of an older one is only a hint. */
  readonly epoch: number;
  /** Cron: the last time it was due, RFC 3339. */
  readonly lastDueAt: string | null;
  /** What `transition.ts` keeps beside; opaque to the store. */
  readonly extra: Json;
}

/** One start of a generation. Written before the driver is called. */
export interface InstanceRecord {
  readonly worker: string;
  readonly instance: string;
  /** The ref's generation text: `<counter>-<digest>`. */
  readonly generation: string;
  readonly runtime: string;
  readonly state: 'intended' | 'running' | 'exited' | 'gone' | 'removed';
  readonly handle: Handle | null;
  /** The engine store that it was started on. */
  readonly engine: string | null;
  readonly intendedAt: string;
  readonly startedAt: string | null;
  readonly exit: Exit | null;
  /** Why it was stopped, from the closed list in supervise/cause.ts; `null` = it was not. */
  readonly stopCause: string | null;
}

/** A fact in past tense. `type` is dotted: `worker.exited`. `data` is JSON without secrets. */
export interface JournalEntry {
  readonly at: string;
  readonly type: string;
  readonly worker: string | null;
  readonly instance: string | null;
  /** One plain sentence for people. */
  readonly text: string;
  readonly data: Json;
}

export interface JournalRecord extends JournalEntry {
  /** Grows by one, also over the death of an agent; never used twice, also after the oldest are dropped. Shown as text. */
  readonly cursor: number;
}
