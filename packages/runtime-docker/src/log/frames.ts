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

/** What a terminal wrote comes as it is; its lines are taken for messages. */
export async function* lines(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield { stream: 'stdout', bytes: rest.subarray(0, end + 1) };
      rest = rest.subarray(end + 1);
    }
  }
  if (rest.length > 0) yield { stream: 'stdout', bytes: rest };
}
