/**
 * A place in one series of segments. `skip`: bytes of the record there that are passed over; only where reading begins, a cursor has none.
 * `total`: bytes of output before it, those lost included, where the series counts them.
 */
export interface Position {
  readonly segment: number;
  readonly offset: number;
  readonly skip?: number;
  readonly total?: number;
}

/** One thing read, and where reading goes on after it. */
export type Piece = { readonly next: Position; readonly at: string | null } & (
  | { readonly stream: 'stdout' | 'stderr'; readonly bytes: Buffer }
  | { readonly gap: number | null }
);

/** One series of segments: both streams of a framed instance, one stream of a raw one. */
export interface LogSource {
  readonly prefix: 'out' | 'err' | 'log';
  /** `null` = nothing there yet. `hasEnded`: no more will come. `isPatient`: an unfinished line is not given, the rest of it may come. */
  read(from: Position, how: { readonly hasEnded: boolean; readonly isPatient: boolean }): Piece | null;
  /** Where the last `lines` lines begin. */
  tail(lines: number): Position;
  /** The first place that may be as late as `ms` (epoch). */
  since(ms: number): Position;
}

export const beginning: Position = { segment: 0, offset: 0, total: 0 };
