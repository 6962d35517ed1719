import { listSegments, readSegment, type Segment } from './segment.ts';
import { beginning, type LogSource, type Piece, type Position } from './source.ts';

const headerBytes = 24;
const magic = 0x3146534f;

/** Both streams of a holder that writes frames; the layout is in segment.ts. */
export function framedSource(dir: string): LogSource {
  /** `undefined` = this segment has no more, `null` = it may get more. */
  const frame = (segment: Segment, offset: number, isClosed: boolean): Piece | null | undefined => {
    const header = readSegment(segment.path, offset, headerBytes);
    if (header === null || header.length < headerBytes) return isClosed ? undefined : null;
    if (header.readUInt32LE(0) !== magic) {
      // Torn by a full disk or a crash: the rest of this segment cannot be told apart.
      return { gap: Math.max(0, segment.bytes - offset), at: null, next: { segment: segment.index + 1, offset: 0 } };
    }
    const at = new Date(Number(header.readBigUInt64LE(8) / 1_000_000n)).toISOString();
    const length = header.readUInt32LE(16);
    const next = { segment: segment.index, offset: offset + headerBytes + length };
    const kind = header[4];
    if (kind === 0) {
      const lost = header.readUInt32LE(20);
      return { gap: lost === 0xffffffff ? null : lost, at, next };
    }
    const bytes = readSegment(segment.path, offset + headerBytes, length) ?? Buffer.alloc(0);
    if (bytes.length < length && !isClosed) return null;
    return { stream: kind === 2 ? 'stderr' : 'stdout', bytes, at, next };
  };

  const read = (from: Position, isFinal: boolean): Piece | null => {
    const segments = listSegments(dir, 'log');
    const first = segments[0];
    if (first === undefined) return null;
    if (first.index > from.segment) return { gap: null, at: null, next: { segment: first.index, offset: 0 } };
    for (let position = from; ; position = { segment: position.segment + 1, offset: 0 }) {
      const segment = segments.find((one) => one.index === position.segment);
      if (segment === undefined) return null;
      const isClosed = isFinal || segments.some((one) => one.index > segment.index);
      const piece = frame(segment, position.offset, isClosed);
      if (piece !== undefined) return piece;
    }
  };

  /** Every place at which a record begins. */
  function* places(): Generator<{ readonly from: Position; readonly piece: Piece }> {
    let from = beginning;
    for (let piece = read(from, true); piece !== null; piece = read(from, true)) {
      yield { from, piece };
      from = piece.next;
    }
  }

  return {
    prefix: 'log',
    read,
    tail(lines) {
      const recent: { readonly from: Position; readonly lines: number }[] = [];
      let count = 0;
      let end = beginning;
      for (const { from, piece } of places()) {
        end = piece.next;
        const here = 'bytes' in piece ? piece.bytes.toString('latin1').split('\n').length - 1 || 1 : 0;
        recent.push({ from, lines: here });
        count += here;
        while (recent.length > 1 && count - (recent[0]?.lines ?? 0) >= lines) count -= recent.shift()?.lines ?? 0;
      }
      return lines <= 0 ? end : (recent[0]?.from ?? beginning);
    },
    since(ms) {
      let end = beginning;
      for (const { from, piece } of places()) {
        if (piece.at !== null && Date.parse(piece.at) >= ms) return from;
        end = piece.next;
      }
      return end;
    },
  };
}
