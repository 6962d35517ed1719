/** A time in which something is so; `toMs` null: it goes on. Told again with the same `id` when it ends. */
export interface Span {
  readonly id: number;
  /**
   * `unable`: the agent cannot see or do anything (dead, frozen, its disk full), or not for this worker (its holder is frozen). `may stop`: somebody
   * wants this worker stopped or restarted. `held`: a person stopped it, was told that it is, and did not start it since.
   */
  readonly kind: 'unable' | 'may stop' | 'held';
  /** `null`: all workers. */
  readonly index: number | null;
  readonly fromMs: number;
  readonly toMs: number | null;
  readonly why: string;
}

/** What the chaos run did or saw: told to the observer before it happens, where it is a fault. */
export type Act =
  | { readonly is: 'span'; readonly span: Span }
  /** A worker was killed. */
  | { readonly is: 'killed'; readonly index: number; readonly pid: number; readonly atMs: number }
  /** The agent of the moment. */
  | { readonly is: 'agent'; readonly pid: number }
  /** For the story alone. */
  | { readonly is: 'said'; readonly index: number | null; readonly atMs: number; readonly text: string }
  /** The end: all that has happened is judged, and a summary answered. */
  | { readonly is: 'end' };

export interface Violation {
  readonly name: string;
  readonly text: string;
  /** The last that happened to that worker, a line each. */
  readonly story: readonly string[];
}

/** What the observer saw in all. */
export interface Summary {
  readonly starts: number;
  /** Starts that were not the first of their worker. */
  readonly restarts: number;
  /** From a crash to the next start: with the pause that follows several in a row, and while it waits for its dependencies. */
  readonly longestOutage: { readonly worker: number; readonly ms: number } | null;
  /** The same where the agent could act all the time. */
  readonly longestAbleOutage: { readonly worker: number; readonly ms: number } | null;
  readonly medianAbleOutage: { readonly worker: number; readonly ms: number } | null;
  /** Starts whose dependencies were looked at. */
  readonly judgedStarts: number;
  readonly judgedDeaths: number;
  /** Of all agents. */
  readonly peakFiles: number;
  readonly peakKib: number;
}

/** What the observer says. */
export type Report =
  | { readonly is: 'ready' }
  | { readonly is: 'violation'; readonly violation: Violation }
  | { readonly is: 'summary'; readonly summary: Summary };
