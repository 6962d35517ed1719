/** A place in one series of segments. */
export interface Position {
  readonly segment: number;
  readonly offset: number;
}

/** One thing read, and where reading goes on after it. */
export type Piece = { readonly next: Position; readonly at: string | null } & (
  | { readonly stream: 'stdout' | 'stderr'; readonly bytes: Buffer }
  | { readonly gap: number | null }
);

/** One series of segments: both streams of a framed instance, one stream of a raw one. */
export interface LogSource {
  readonly prefix: 'out' | 'err' | 'log';
  /** `null` = nothing there yet. `isFinal`: no more will come, so give an unfinished line too. */
  read(from: Position, isFinal: boolean): Piece | null;
  /** Where the last `lines` lines begin. */
  tail(lines: number): Position;
  /** The first place that may be as late as `ms` (epoch). */
  since(ms: number): Position;
}

export const beginning: Position = { segment: 0, offset: 0 };
