import type { LogLine } from '@ostler/core';

interface Head {
  readonly source: AsyncIterator<LogLine>;
  readonly line: LogLine;
  /** Unix time; of the record before it, where it has none of its own. */
  readonly atMs: number;
}

/** Several logs as one, in order of time; each keeps its own order. */
export async function* byTime(sources: readonly AsyncIterable<LogLine>[]): AsyncGenerator<LogLine> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  try {
    const first = await Promise.all(iterators.map((source) => nextHead(source, Number.NEGATIVE_INFINITY)));
    let heads = first.filter((head) => head !== null);
    while (heads.length > 0) {
      const head = heads.reduce((least, other) => (other.atMs < least.atMs ? other : least));
      yield head.line;
      const next = await nextHead(head.source, head.atMs);
      heads = heads.flatMap((other) => (other === head ? (next ?? []) : other));
    }
  } finally {
    await Promise.allSettled(iterators.map((source) => source.return?.(undefined)));
  }
}

async function nextHead(source: AsyncIterator<LogLine>, beforeMs: number): Promise<Head | null> {
  const { value, done } = await source.next();
  if (done) return null;
  const line = value as LogLine;
  const atMs = line.at === null ? beforeMs : Math.max(beforeMs, Date.parse(line.at));
  return { source, line, atMs: Number.isNaN(atMs) ? beforeMs : atMs };
}
