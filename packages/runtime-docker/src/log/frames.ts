import { refusal } from '../errors.ts';

/** One message as the engine keeps it: a line, or a piece of one that is longer than its buffer. */
export interface Frame {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Buffer;
}

const headBytes = 8;

/**
 * Takes apart a stream in which stdout and stderr come together: one byte for which, three of nothing, four for the length (Docker API, "Stream format").
 * Pulled, so that a slow reader slows the engine. Throws `internal` with what the engine writes instead of a log.
 */
export async function* demultiplexed(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (rest.length - at >= headBytes) {
      const end = at + headBytes + rest.readUInt32BE(at + 4);
      if (rest.length < end) break;
      const bytes = rest.subarray(at + headBytes, end);
      const kind = rest[at];
      if (kind === 3) throw refusal('internal', `the engine cannot read on: ${bytes.toString('utf8').trim()}`, true);
      yield { stream: kind === 2 ? 'stderr' : 'stdout', bytes };
      at = end;
    }
    rest = rest.subarray(at);
  }
}

const newline = 10;
/** The pieces in which Docker keeps a long line. */
const pieceBytes = 16 * 1024;
const timeBefore = /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) /;
const mostTimeBytes = 40;

/**
 * What a terminal wrote comes as it is, with the engine's time before each message: its lines are taken for messages, a long one in pieces as in any
 * other log. Of an engine that keeps other pieces a line is cut at that length too: what has no time before it gets that of the line.
 */
export async function* lines(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0);
  /** Of a line whose end is still to come. */
  let begunAt: Buffer | null = null;
  const take = function* (isLast: boolean): Generator<Frame> {
    for (let at = 0; ; ) {
      const message = messageAt(rest, at, isLast);
      if (message === null) {
        rest = rest.subarray(at);
        return;
      }
      const { time, end } = message;
      const bytes = rest.subarray(at, end);
      yield { stream: 'stdout', bytes: time === 0 && begunAt !== null ? Buffer.concat([begunAt, bytes]) : bytes };
      if (bytes.at(-1) === newline) begunAt = null;
      else if (time > 0) begunAt = bytes.subarray(0, time);
      at = end;
    }
  };
  for await (const chunk of source) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    yield* take(false);
  }
  yield* take(true);
}

/** The message that begins there: how long its time is (0 = it has none) and where it ends. `null` = more of it has to come. */
function messageAt(bytes: Buffer, at: number, isLast: boolean): { readonly time: number; readonly end: number } | null {
  const time = timeBefore.exec(bytes.toString('latin1', at, at + mostTimeBytes))?.[0].length ?? 0;
  const most = at + time + pieceBytes;
  const found = bytes.subarray(at, most).indexOf(newline);
  if (found >= 0) return { time, end: at + found + 1 };
  if (bytes.length >= most) return { time, end: most };
  return isLast && bytes.length > at ? { time, end: bytes.length } : null;
}
