import type { Span } from './acts.ts';

/** The spans of one run, as they are told. */
export class Spans {
  readonly #byId = new Map<number, Span>();

  take(span: Span): void {
    this.#byId.set(span.id, span);
  }

  /** Of one worker, those of all workers among them. */
  of(kind: Span['kind'], index: number): readonly Span[] {
    return [...this.#byId.values()].filter((span) => span.kind === kind && (span.index === null || span.index === index));
  }

  /** Whether some span of this kind touches [fromMs, toMs]. */
  touches(kind: Span['kind'], index: number, fromMs: number, toMs: number): boolean {
    return this.of(kind, index).some((span) => span.fromMs <= toMs && (span.toMs ?? Number.POSITIVE_INFINITY) >= fromMs);
  }

  /** The moment from which to `atMs` the agent could act for this worker, or for `other`, for `ableMs` in all: time in which it could not does not count. */
  before(atMs: number, ableMs: number, index: number, other = index): number {
    const unable = [...this.of('unable', index), ...(other === index ? [] : this.of('unable', other))]
      .filter(({ fromMs }) => fromMs < atMs)
      .sort((a, b) => (b.toMs ?? Number.POSITIVE_INFINITY) - (a.toMs ?? Number.POSITIVE_INFINITY));
    let at = atMs;
    let left = ableMs;
    for (const { fromMs, toMs } of unable) {
      const end = Math.min(toMs ?? at, at);
      if (fromMs >= at) continue;
      if (at - end >= left) break;
      left -= at - end;
      at = fromMs;
    }
    return at - left;
  }
}
