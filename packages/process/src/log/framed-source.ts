import { listSegments, readSegment, type Segment } from './segment.ts';
import { beginning, type LogSource, type Piece, type Position } from './source.ts';

const headerBytes = 24;
const magic = 0x3146534f;
/** Read at once: many small frames are one read. */
const windowBytes = 256 * 1024;
const newline = 10;

/** The part of a segment that was read last. */
interface Window {
  readonly path: string;
  readonly offset: number;
  readonly bytes: Buffer;
}

/** A frame as it stands in its segment. `length`: what its header says. */
interface Frame {
  readonly kind: number;
  readonly atMs: number;
  readonly length: number;
  readonly lost: number;
  /** Shorter than `length` when its writer was killed, or is still at it. */
  readonly bytes: Buffer;
}

/** Both streams of a holder that writes frames; the layout is in segment.ts. */
export function framedSource(dir: string): LogSource {
  let window: Window | null = null;

  /** `size` bytes at `offset`, fewer at the end of the file. */
  const bytesAt = (path: string, offset: number, size: number): Buffer => {
    const isInside = window !== null && window.path === path && offset >= window.offset && offset + size <= window.offset + window.bytes.length;
    if (!isInside) window = { path, offset, bytes: readSegment(path, offset, Math.max(size, windowBytes)) ?? Buffer.alloc(0) };
    const { offset: start, bytes } = window as Window;
    return bytes.subarray(offset - start, offset - start + size);
  };

  /** `null` = not (wholly) there; `torn` = what is there is no frame. */
  const frameAt = (segment: Segment, offset: number): Frame | 'torn' | null => {
    const header = bytesAt(segment.path, offset, headerBytes);
    if (header.length < headerBytes) return null;
    if (header.readUInt32LE(0) !== magic) return 'torn';
    const length = header.readUInt32LE(16);
    return {
      kind: header[4] ?? 0,
      atMs: Number(header.readBigUInt64LE(8) / 1_000_000n),
      length,
      lost: header.readUInt32LE(20),
      bytes: length === 0 ? Buffer.alloc(0) : bytesAt(segment.path, offset + headerBytes, length),
    };
  };

  /** `undefined` = this segment has no more, `null` = it may get more. */
  const pieceAt = (segment: Segment, { offset, skip = 0 }: Position, isClosed: boolean): Piece | null | undefined => {
    const frame = frameAt(segment, offset);
    if (frame === null) return isClosed ? undefined : null;
    // Torn by a full disk or a crash: the rest of this segment cannot be told apart.
    if (frame === 'torn') return { gap: Math.max(0, segment.bytes - offset), at: null, next: { segment: segment.index + 1, offset: 0 } };
    if (frame.bytes.length < frame.length && !isClosed) return null;
    const head = { at: new Date(frame.atMs).toISOString(), next: { segment: segment.index, offset: offset + headerBytes + frame.length } };
    if (frame.kind === 0) return { ...head, gap: frame.lost === 0xffffffff ? null : frame.lost };
    return { ...head, stream: frame.kind === 2 ? 'stderr' : 'stdout', bytes: frame.bytes.subarray(skip) };
  };

  /** Every frame of a segment, and where it begins. */
  function* framesOf(segment: Segment): Generator<{ readonly offset: number; readonly frame: Frame }> {
    for (let offset = 0; ; ) {
      const frame = frameAt(segment, offset);
      if (frame === null || frame === 'torn') return;
      yield { offset, frame };
      offset += headerBytes + frame.length;
    }
  }

  const endOf = (segment: Segment): Position => {
    let end = 0;
    for (const { offset, frame } of framesOf(segment)) end = offset + headerBytes + frame.length;
    return { segment: segment.index, offset: end };
  };

  return {
    prefix: 'log',
    read(from, { hasEnded }): Piece | null {
      const segments = listSegments(dir, 'log');
      const first = segments[0];
      if (first === undefined) return null;
      if (first.index > from.segment) return { gap: null, at: null, next: { segment: first.index, offset: 0 } };
      for (let position = from; ; position = { segment: position.segment + 1, offset: 0 }) {
        const segment = segments.find((one) => one.index === position.segment);
        if (segment === undefined) return null;
        const isClosed = hasEnded || segments.some((one) => one.index > segment.index);
        // What was read of one that grows is not all of it.
        if (!isClosed) window = window !== null && window.path === segment.path && window.offset + window.bytes.length < segment.bytes ? null : window;
        const piece = pieceAt(segment, position, isClosed);
        if (piece !== undefined) return piece;
      }
    },
    tail(lines) {
      const segments = listSegments(dir, 'log');
      const last = segments.at(-1);
      if (last === undefined) return beginning;
      if (lines <= 0) return endOf(last);
      let missing = lines;
      /** Streams whose last line was met: the newline that ends it does not begin another. */
      const met = new Set<number>();
      for (const segment of [...segments].reverse())
        for (const { offset, frame } of [...framesOf(segment)].reverse())
          for (let at = frame.bytes.length - 1; frame.kind !== 0 && at >= 0; at--) {
            const isEnd = !met.has(frame.kind);
            met.add(frame.kind);
            if (frame.bytes[at] !== newline || isEnd) continue;
            if (--missing <= 0) return { segment: segment.index, offset, skip: at + 1 };
          }
      return { segment: segments[0]?.index ?? 0, offset: 0 };
    },
    since(ms) {
      const segments = listSegments(dir, 'log');
      for (const segment of segments) {
        if (segment.modifiedMs < ms) continue;
        for (const { offset, frame } of framesOf(segment)) if (frame.atMs >= ms) return { segment: segment.index, offset };
      }
      const last = segments.at(-1);
      return last === undefined ? beginning : endOf(last);
    },
  };
}
