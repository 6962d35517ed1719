import { listSegments, readSegment, type Segment } from './segment.ts';
import { beginning, type LogSource, type Piece, type Position } from './source.ts';

const headerBytes = 24;
const magic = 0x3146534f;
/** Read at once: many small frames are one read. */
const windowBytes = 256 * 1024;
/** A piece grows no further than over this. */
const pieceBytes = 64 * 1024;
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

const gapKind = 0;
const firstKind = 3;

/** Bytes of output that a frame stands for. */
const weight = ({ kind, lost, bytes }: Frame): number => (kind === firstKind ? 0 : kind === gapKind ? (lost === unknownLoss ? 0 : lost) : bytes.length);
const unknownLoss = 0xffffffff;

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
    // None but the first is a first one.
    if (header.readUInt32LE(0) !== magic || (header[4] === firstKind && offset > 0)) return 'torn';
    const length = header.readUInt32LE(16);
    return {
      kind: header[4] ?? 0,
      atMs: Number(header.readBigUInt64LE(8) / 1_000_000n),
      length,
      lost: header.readUInt32LE(20),
      bytes: length === 0 ? Buffer.alloc(0) : bytesAt(segment.path, offset + headerBytes, length),
    };
  };

  /** What the first frame of a segment says; `null` in segments without one. */
  const bytesBefore = (segment: Segment): number | null => {
    const frame = frameAt(segment, 0);
    return frame === null || frame === 'torn' || frame.kind !== firstKind || frame.bytes.length < 8 ? null : Number(frame.bytes.readBigUInt64LE(0));
  };

  /** `undefined` = this segment has no more, `null` = it may get more. */
  const pieceAt = (segment: Segment, position: Position, isClosed: boolean): Piece | null | undefined => {
    const { offset, skip = 0, total = 0 } = position;
    const placeAfter = (start: number, frame: Frame, before: number): Position => ({
      segment: segment.index,
      offset: start + headerBytes + frame.length,
      total: before + weight(frame),
    });
    const frame = frameAt(segment, offset);
    if (frame === null) return isClosed ? undefined : null;
    // Torn by a full disk or a crash: the rest of this segment cannot be told apart.
    if (frame === 'torn') return { gap: Math.max(0, segment.bytes - offset), at: null, next: { segment: segment.index + 1, offset: 0, total } };
    if (frame.bytes.length < frame.length && !isClosed) return null;
    const at = new Date(frame.atMs).toISOString();
    let next = placeAfter(offset, frame, total - skip);
    if (frame.kind === firstKind) {
      // Usually nothing: it is as many as were read. What a killed holder had in its hands is missing between two segments.
      const before = bytesBefore(segment) ?? total;
      const from = { ...next, total: Math.max(before, total) };
      return before > total ? { at, next: from, gap: before - total } : pieceAt(segment, from, isClosed);
    }
    if (frame.kind === gapKind) return { at, next, gap: frame.lost === unknownLoss ? null : frame.lost };
    const parts = [frame.bytes.subarray(skip)];
    // A fast writer fills many frames in a millisecond, which is as fine as times are told.
    for (let size = frame.length; size < pieceBytes; ) {
      const more = frameAt(segment, next.offset);
      if (more === null || more === 'torn' || more.kind !== frame.kind || more.atMs !== frame.atMs || more.bytes.length < more.length) break;
      parts.push(more.bytes);
      size += more.length;
      next = placeAfter(next.offset, more, next.total ?? 0);
    }
    return { at, next, stream: frame.kind === 2 ? 'stderr' : 'stdout', bytes: parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts) };
  };

  /** Every frame of a segment, and where it begins. */
  function* framesOf(segment: Segment): Generator<{ readonly place: Position; readonly frame: Frame }> {
    let place: Position = { segment: segment.index, offset: 0, total: bytesBefore(segment) ?? 0 };
    for (;;) {
      const frame = frameAt(segment, place.offset);
      if (frame === null || frame === 'torn') return;
      yield { place, frame };
      place = { segment: segment.index, offset: place.offset + headerBytes + frame.length, total: (place.total ?? 0) + weight(frame) };
    }
  }

  const endOf = (segment: Segment): Position => {
    let end: Position = { segment: segment.index, offset: 0, total: 0 };
    for (const { place, frame } of framesOf(segment))
      end = { segment: segment.index, offset: place.offset + headerBytes + frame.length, total: (place.total ?? 0) + weight(frame) };
    return end;
  };

  const startOf = (segment: Segment): Position => ({ segment: segment.index, offset: 0, total: bytesBefore(segment) ?? 0 });

  return {
    prefix: 'log',
    read(from, { hasEnded }): Piece | null {
      const segments = listSegments(dir, 'log');
      const first = segments[0];
      if (first === undefined) return null;
      if (first.index > from.segment) {
        const start = startOf(first);
        const isKnown = from.total !== undefined && (start.total ?? 0) >= from.total && bytesBefore(first) !== null;
        return { gap: isKnown ? (start.total ?? 0) - (from.total ?? 0) : null, at: null, next: start };
      }
      for (let position = from; ; position = { segment: position.segment + 1, offset: 0, total: position.total ?? 0 }) {
        const segment = segments.find((one) => one.index === position.segment);
        if (segment === undefined) break;
        const isClosed = hasEnded || segments.some((one) => one.index > segment.index);
        // What was read of one that grows is not all of it.
        if (!isClosed) window = window !== null && window.path === segment.path && window.offset + window.bytes.length < segment.bytes ? null : window;
        const piece = pieceAt(segment, position, isClosed);
        if (piece === null) break;
        if (piece !== undefined) return piece;
      }
      // A thousand followers that wait keep no buffers.
      window = null;
      return null;
    },
    tail(lines) {
      const segments = listSegments(dir, 'log');
      const last = segments.at(-1);
      if (last === undefined) return beginning;
      if (lines <= 0) return endOf(last);
      let missing = lines;
      /** Streams whose end was met: the last line of each has a newline or has not. */
      const met = new Set<number>();
      /** The stream of the first line that is asked for, once its end was met. */
      let wanted: number | null = null;
      const first = startOf(segments[0] as Segment);
      let begin = first;
      for (const segment of [...segments].reverse())
        for (const { place, frame } of [...framesOf(segment)].reverse()) {
          const { kind, bytes } = frame;
          if (kind === gapKind || kind === firstKind || (wanted !== null && kind !== wanted)) continue;
          if (wanted !== null && bytes.at(-1) === newline) return begin;
          for (let at = bytes.length - 1; at >= 0; at--) {
            if (wanted !== null) {
              if (bytes[at] === newline) return { ...place, skip: at + 1, total: (place.total ?? 0) + at + 1 };
            } else if (bytes[at] === newline || !met.has(kind)) {
              met.add(kind);
              if (--missing === 0) wanted = kind;
            }
          }
          // It may begin in a frame before.
          if (wanted !== null) begin = place;
        }
      return wanted === null ? first : begin;
    },
    since(ms) {
      const segments = listSegments(dir, 'log');
      for (const segment of segments) {
        if (segment.modifiedMs < ms) continue;
        for (const { place, frame } of framesOf(segment)) if (frame.atMs >= ms) return place;
      }
      const last = segments.at(-1);
      return last === undefined ? beginning : endOf(last);
    },
  };
}
