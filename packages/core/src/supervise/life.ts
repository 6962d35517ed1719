import type { Exit, Handle, RuntimeFailure } from '@ostler/sdk';
import type { WorkerRules } from '../spec/index.ts';
import type { Health, Phase, Want } from '../store/index.ts';
import type { StartCause, StopCause } from './cause.ts';

/** Of what was found on a host and is not what any of its worker's definitions says. No definition has that counter. */
export const unknownGeneration = 0;

/** Where one worker stands: all that is persisted of it, and what follows from nothing else. */
export interface Life {
  readonly want: Want;
  /** `user`, `down`, `health`; `null` when not held. */
  readonly heldBy: string | null;
  readonly phase: Phase;
  readonly health: Health;
  /** The generation that is to run. */
  readonly generation: number | null;
  /** The instance that is being started, runs, is being stopped, or ended last, and its generation ({@link unknownGeneration}: none of those that are known). */
  readonly instance: string | null;
  readonly instanceGeneration: number | null;
  /** RFC 3339. */
  readonly since: string;
  readonly reason: string;
  readonly restarts: number;
  readonly failures: number;
  /** RFC 3339: the first of the failures in a row. */
  readonly failingSince: string | null;
  readonly nextTryAt: string | null;
  readonly epoch: number;
  readonly lastDueAt: string | null;
  /** Why its runtime cannot be asked, and since when; `null` = it can. */
  readonly blind: { readonly since: string; readonly reason: string } | null;
  /** What is not known to have happened, in the phase `unresolved`. */
  readonly unresolved: 'start' | 'stop' | null;
  /** A start of `instance` that was given up may still be carried out: until one of that name is answered, no other is given. */
  readonly mayCome: boolean;
  /** What follows the stop that is under way or unresolved. `asked`: a start at once, where that stop alone would lead to none, or to one after a pause. */
  readonly onward: 'start' | 'asked' | 'rest';
  readonly stopCause: StopCause | null;
  readonly startCause: StartCause;
  /** Which run of it this is: so many were asked for, or due, and begun. Its further tries are of the same one. */
  readonly runs: number;
  /** A run that was due while the last one still ran (overlap: queue). */
  readonly isQueued: boolean;
  /** Epoch ms of the start of the running instance. */
  readonly startedMs: number | null;
  /** The instances of those dependencies whose new start is to be followed by one of its own, as they were when it was started; `null` = not known. */
  readonly startedWith: Readonly<Record<string, string>> | null;
}

/** What happens to a worker. `epoch`: of the effect that it answers, or of what is called off; an older one is only a hint. */
export type LifeEvent =
  | { readonly type: 'start'; readonly by: string; readonly cause: 'user' | 'release' }
  | { readonly type: 'hold'; readonly by: string; readonly cause: 'held' | 'down' | 'shutdown' }
  | { readonly type: 'remove'; readonly by: string }
  | { readonly type: 'restart'; readonly by: string; readonly cause: 'restart' | 'dependency' }
  | { readonly type: 'overdone'; readonly instance: string; readonly cause: OverdoneCause; readonly evidence: string | null }
  | { readonly type: 'run'; readonly by: string }
  | { readonly type: 'cancel'; readonly by: string; readonly epoch: number }
  | { readonly type: 'declare'; readonly generation: number; readonly fields: readonly string[]; readonly isNew: boolean; readonly runtime: string }
  | { readonly type: 'due'; readonly at: string }
  /** `at`: of the last of them. `isAtLeast`: there may have been more. */
  | { readonly type: 'missed'; readonly at: string; readonly count: number; readonly isAtLeast: boolean; readonly why: string }
  /** `for`: `null` = what was missing is there, and it waits for its turn alone. */
  | { readonly type: 'wait'; readonly for: string | null; readonly epoch: number }
  | { readonly type: 'ready'; readonly epoch: number }
  | { readonly type: 'prepared'; readonly epoch: number }
  | { readonly type: 'prepare-failed'; readonly epoch: number; readonly message: string; readonly code: string; readonly lastLines?: readonly string[] }
  /** `isAsked`: the runtime was; before that, nothing can have been done. */
  | { readonly type: 'start-failed'; readonly epoch: number; readonly failure: RuntimeFailure; readonly isAsked: boolean }
  | { readonly type: 'stop-failed'; readonly epoch: number; readonly failure: RuntimeFailure }
  | { readonly type: 'running'; readonly seen: SeenRunning; readonly how: 'started' | 'adopted' | 'looked'; readonly tookMs: number }
  | { readonly type: 'created'; readonly seen: Seen; readonly isWithEngine: boolean }
  | {
      readonly type: 'exited';
      readonly seen: Seen;
      readonly exit: Exit;
      readonly left: readonly string[];
      /** By which its engine ends it where the rules of the worker name none. */
      readonly stopSignal: string;
      readonly lastLines: readonly string[];
      /** While its engine could not be asked: that is no failure of the worker. */
      readonly isWithEngine: boolean;
    }
  | {
      readonly type: 'gone';
      readonly seen: { readonly instance: string; readonly engine: string };
      readonly isSameEngine: boolean;
      readonly isWithEngine: boolean;
    }
  | { readonly type: 'alarm'; readonly epoch: number }
  | { readonly type: 'healthy'; readonly instance: string; readonly afterMs: number | null }
  | { readonly type: 'unhealthy'; readonly instance: string; readonly evidence: string; readonly failures: number }
  | { readonly type: 'steady'; readonly instance: string }
  | { readonly type: 'blind'; readonly reason: string; readonly runtime: string }
  | { readonly type: 'sighted' };

/** Why an instance has run for long enough, or used enough, by the rules of its worker. */
export type OverdoneCause = Extract<StopCause, 'timeout' | 'memory' | 'age' | 'at'>;

export interface Seen {
  readonly instance: string;
  readonly handle: Handle;
  readonly engine: string;
}
export interface SeenRunning extends Seen {
  readonly startedAt: string;
  readonly pid: number | null;
}

/** What the supervisor does once the new life is persisted (what only reads or prepares: at once). Timers, probes and slots follow from the phase and are not told. */
export type Effect =
  | { readonly do: 'prepare' }
  | { readonly do: 'start' }
  | { readonly do: 'stop'; readonly cause: StopCause }
  | { readonly do: 'inspect' }
  | { readonly do: 'signal'; readonly signal: string }
  | { readonly do: 'forget' };

/** A fact for the journal: `type` and data of one of its entries. */
export interface Fact {
  readonly type: string;
  readonly data: object;
}

/** What a transition may know beside life and event: values, no clock, no chance of its own. */
export interface Scene {
  /** RFC 3339 and epoch ms of the same moment. */
  readonly at: string;
  readonly nowMs: number;
  readonly rules: WorkerRules;
  /** For a start, should it come to one: a fresh id with each call. */
  newInstance(): string;
  /** In [0, 1): for jitter. */
  readonly random: number;
  /** The definition of its present instance is known: after a lost store that of what was found may not be. */
  readonly isDefined: boolean;
  /** Its present instance is a run of a schedule, by its own definition where that is known: it ends by itself. */
  readonly isRunOfSchedule: boolean;
  /** `null`, or the dependency that does not hold at this moment. */
  readonly missing: string | null;
  /** The instances that run now of the dependencies with which it is started anew. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** RFC 3339: when a cron worker is due next. */
  readonly nextDueAt: string | null;
}

export interface Move {
  readonly life: Life;
  readonly effects: readonly Effect[];
  readonly facts: readonly Fact[];
}

export const newLife = (at: string): Life => ({
  want: 'run',
  heldBy: null,
  phase: 'idle',
  health: 'none',
  generation: null,
  instance: null,
  instanceGeneration: null,
  since: at,
  reason: 'declared',
  restarts: 0,
  failures: 0,
  failingSince: null,
  nextTryAt: null,
  epoch: 0,
  lastDueAt: null,
  blind: null,
  unresolved: null,
  mayCome: false,
  onward: 'rest',
  stopCause: null,
  startCause: 'declared',
  runs: 0,
  isQueued: false,
  startedMs: null,
  startedWith: null,
});
