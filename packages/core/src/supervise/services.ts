import type { Call, EngineFacts, ExecSession, Json, LogFrom, LogRecord, Notified, RuntimeDriver, Secrets, Target } from '@ostler/sdk';
import type { Cancel, CoreClock } from '../base/clock.ts';
import type { AgentLogger } from '../base/logger.ts';
import type { StuckCalls } from '../base/stuck-calls.ts';
import type { InPlugin } from '../base/watchdog.ts';
import type { Journal } from '../journal/index.ts';
import type { Opinion } from '../probe/index.ts';
import type { CronLine, HealthRule, Neighbour, Normal, Policy } from '../spec/index.ts';
import type { GenerationRecord } from '../store/index.ts';

/** A runtime as supervision needs it. */
export interface RuntimeAccess {
  readonly name: string;
  /** Id of the plugin that brings it. */
  readonly plugin: string;
  readonly class: 'container' | 'process' | 'cluster';
  readonly driver: RuntimeDriver;
  /** Its engine answers. */
  isUp(): boolean;
  /** Why it does not. */
  reason(): string | null;
  facts(): EngineFacts | null;
  /** This host has no such engine, as its driver says. Absent: nobody knows. */
  isMissing?(): boolean;
  /** A call failed in a way that says something about the engine: look at it now. */
  suspect(): void;
}

export interface ProbeWatch {
  readonly worker: string;
  readonly instance: string;
  readonly rule: HealthRule;
  /** Epoch ms. */
  readonly startedMs: number;
  /** It ran before this agent came, or before its runtime could be asked again. */
  readonly isAdopted: boolean;
  /** As it was left. */
  readonly health: 'ok' | 'bad' | null;
  readonly endpoints: readonly { readonly port: number; readonly address: string }[];
  exec(argv: readonly string[], signal: AbortSignal): Promise<ExecSession>;
  /** What it said of itself by sd_notify(3), its status without the values of secrets. `null` = its runtime does not hear it. */
  readonly notified: ((call: Call) => Promise<Notified | null>) | null;
  /** What it printed, up to now. `null` = its runtime is not there. */
  readonly logs: ((from: LogFrom, call: Call) => AsyncIterable<LogRecord>) | null;
  /** What its engine says of its health, without the values of secrets. `null` = nothing, or it does not count. */
  readonly opinion: Opinion | null;
  onVerdict(verdict: { readonly health: 'ok' | 'bad'; readonly evidence: string; readonly failures: number; readonly afterMs: number | null }): void;
}

/** An instance whose memory is looked at. */
export interface MemoryWatched {
  readonly runtime: string;
  readonly target: Target;
  readonly aboveBytes: number;
  /** Once, when it used more at several looks in a row. `evidence`: how much, for people. */
  onAbove(evidence: string): void;
}

/** What every supervisor of a host is handed. */
export interface Services {
  readonly agentId: string;
  readonly hostName: string;
  readonly clock: CoreClock;
  readonly log: AgentLogger;
  readonly journal: Journal;
  readonly stuck: StuckCalls;
  readonly inPlugin: InPlugin;
  newInstanceId(): string;
  random(): number;
  runtime(name: string): RuntimeAccess | null;
  /** The worker as its runtime sees it, by today's schema. Throws when it no longer fits. */
  normal(generation: GenerationRecord): Normal;
  /** Rejects with a problem that names the reference, never the value. */
  reveal(generation: GenerationRecord, normal: Normal, signal: AbortSignal): Promise<Secrets>;
  /** Returns what ends the watch. */
  probe(watch: ProbeWatch): () => void;
  /** Epoch ms; `null` = never again. */
  nextDue(rule: CronLine, afterMs: number): number | null;
  /** How many runs were due after one moment, up to another: epoch ms. Counts to `most`. */
  missed(rule: CronLine, fromMs: number, toMs: number, most: number): number;
  readonly memory: { watch(watched: MemoryWatched): Cancel };
  /** `address:port` at which one worker reaches another, for `OSTLER_ADDR_<WORKER>`; `null` = at none. */
  addressOf(from: string, worker: string): string | null;
  /** The instance of a worker that runs now, for whom shares its network; `null` = none does. */
  running(worker: string): Target | null;
  /** What the policy of this host does not let a worker have, as a sentence without its end. Absent: it may have all. */
  forbidden?(neighbour: Neighbour): string | null;
  /** The dependency of this worker that does not hold now, as `db to be healthy`; `null` = all hold. */
  missing(worker: string): string | null;
  /** The instances that run now of the workers with which this one is started anew. */
  dependencies(worker: string): Readonly<Record<string, string>>;
}

/** Kept in the store beside the workers: how this agent was last told to be. */
export interface Applied {
  readonly hostFile: string;
  readonly baseDir: string;
  readonly host: string;
  readonly plugins: readonly { readonly use: string; readonly config: Json; readonly baseDir: string }[];
  /** `null`: the host file says nothing of it. */
  readonly startConcurrency: number | null;
  readonly apply: 'manual' | 'auto';
  /** Not kept by an ostler that knew no policy. */
  readonly policy?: Policy | undefined;
  readonly at: string;
}
