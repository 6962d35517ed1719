import type { WorkerRules } from '../spec/index.ts';
import type { WorkerRecord } from '../store/index.ts';

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

/** What is known of a worker beside its journal. */
export interface WhyState {
  /** RFC 3339: when it is asked. */
  readonly at: string;
  /** `null`: there is no such worker (any more). */
  readonly worker: WorkerRecord | null;
  /** What `ps` calls it. */
  readonly state: string;
  /** `null`: its definition is not known. */
  readonly rules: WorkerRules | null;
  readonly runtime: string | null;
  /** Since when its runtime cannot be asked, and why. */
  readonly blind: { readonly since: string; readonly reason: string } | null;
  /** Why it is to be started, or was last; `null`: there is no such worker. */
  readonly startCause: string | null;
  /** What is not known to have happened. */
  readonly unresolved: 'start' | 'stop' | null;
  /** Of the instance that runs. */
  readonly pid: number | null;
  readonly startedAt: string | null;
  readonly memoryLimitBytes: number | null;
  /** Next run of its schedule. */
  readonly nextDueAt: string | null;
  /** What it waits for, if that is a worker: the same report of that one, and so on to the root. `null`: it waits for no worker that is here. */
  readonly waitsFor: WhyReport | null;
  /** The saved host file says something else of it than what is applied. */
  readonly isPending: boolean;
}

export interface WhyReport {
  readonly version: 1;
  readonly worker: string;
  /** RFC 3339: when it was asked. */
  readonly at: string;
  /** Oldest first. */
  readonly entries: readonly WhyEntry[];
  /** `null`: there is no such worker (any more). */
  readonly now: WhyNow | null;
}

export interface WhyNow {
  readonly state: string;
  readonly since: string;
  readonly reason: string;
  readonly heldBy: string | null;
  readonly nextTryAt: string | null;
  readonly restarts: number;
  readonly failuresInARow: number;
  /** `null`: no limit, or not known. */
  readonly restartsLeft: number | null;
  /** Why it is so: sentences, the nearest cause first. */
  readonly because: readonly string[];
  /** The end of what it printed before it ended, where that is the cause. */
  readonly lastLines: readonly string[];
  /** The worker that it waits for, and on to the root. */
  readonly waitsFor: readonly WhyLink[];
  /** What happens next, and when. */
  readonly next: string;
  /** What is left of its restarts; `null`: nothing is to be said of them. */
  readonly tries: string | null;
  /** What a person can do; `null`: nothing is to be done. */
  readonly advice: Advice | null;
}

/** A worker that another one waits for. */
export interface WhyLink extends Pick<WhyNow, 'state' | 'since' | 'because' | 'lastLines'> {
  readonly worker: string;
}

/** One command, as it is typed, and what it is good for. */
export interface Advice {
  readonly command: string;
  readonly what: string;
}
