import type { ExecSession } from '@ostler/sdk';
import type { WhyReport } from '../journal/index.ts';
import type {
  AgentDocument,
  ApplyRequest,
  DoctorDocument,
  DownRequest,
  EventRecord,
  LogLine,
  OutcomeDocument,
  PlanDocument,
  PlanRequest,
  PluginsDocument,
  PsDocument,
  RunDocument,
  RuntimesDocument,
  StatsDocument,
} from './wire.ts';

export interface LogsQuery {
  readonly follow: boolean;
  /** Whole lines from the end, over all instances that are kept; null = all. */
  readonly tailLines: number | null;
  /** RFC 3339. */
  readonly since: string | null;
  /** Only this one; null = those that are kept, oldest first, then the next ones while following. */
  readonly instance: string | null;
}

export interface EventsQuery {
  /** Everything after this cursor. */
  readonly after: string | null;
  /** RFC 3339. */
  readonly since: string | null;
  readonly worker: string | null;
  /** The newest so many. */
  readonly limit: number | null;
}

/**
 * What the agent lets itself be told: the API translates requests into these calls and nothing else. Throws a Problem (`worker-unknown`,
 * `plan-refused`, `remove-not-allowed`, …) for what a person can mend. `by`: who asked, as the journal says it.
 */
export interface Control {
  agent(): AgentDocument;
  ps(): PsDocument;
  stats(signal: AbortSignal): Promise<StatsDocument>;
  runtimes(signal: AbortSignal): Promise<RuntimesDocument>;
  plugins(): PluginsDocument;
  doctor(): Promise<DoctorDocument>;
  why(worker: string): Promise<{ readonly report: WhyReport; readonly lines: readonly string[] }>;
  /** Rejects with `usage` when the cursor is none of this agent's journal. */
  events(query: EventsQuery): Promise<readonly EventRecord[]>;
  /** After `after` (absent: from now on); each once, in order; ends with `signal`. What was dropped is told as `journal.gap`. Rejects as `events` does. */
  followEvents(query: { readonly after: string | null; readonly worker: string | null }, signal: AbortSignal): Promise<AsyncIterable<EventRecord>>;
  logs(worker: string, query: LogsQuery, signal: AbortSignal): AsyncIterable<LogLine>;
  plan(request: PlanRequest, signal: AbortSignal): Promise<PlanDocument>;
  apply(request: ApplyRequest, by: string, signal: AbortSignal): Promise<OutcomeDocument>;
  start(worker: string, waitMs: number, by: string, signal: AbortSignal): Promise<OutcomeDocument>;
  stop(worker: string, waitMs: number, by: string, signal: AbortSignal): Promise<OutcomeDocument>;
  restart(worker: string, waitMs: number, by: string, signal: AbortSignal): Promise<OutcomeDocument>;
  /** Begins a run of a job or cron worker; `run-refused` where one is under way. Answers once it has begun, is over, or the time is. */
  run(worker: string, waitMs: number, by: string, signal: AbortSignal): Promise<RunDocument>;
  /** Waits until another instance than `after` has begun, the run is over, or the time is. */
  awaitRun(worker: string, run: number | null, after: string | null, waitMs: number, signal: AbortSignal): Promise<RunDocument>;
  /** Ends that run, `null` = the one that is under way; what its schedule brings later comes as before, and is left alone. */
  cancelRun(worker: string, run: number | null, waitMs: number, by: string, signal: AbortSignal): Promise<RunDocument>;
  kill(worker: string, signalName: string, by: string): Promise<void>;
  exec(worker: string, argv: readonly string[], io: { readonly tty: boolean; readonly user: string | null }, signal: AbortSignal): Promise<ExecSession>;
  /** Holds and stops every worker in reverse order; `agent`: stops only the agent, after the answer was sent. */
  down(request: DownRequest, by: string, signal: AbortSignal): Promise<OutcomeDocument>;
  /** Reads the host file again: what SIGHUP does. */
  reload(): Promise<void>;
}
