import { listSegments, readSegment } from './segment.ts';
import { beginning, type LogSource, type Piece, type Position } from './source.ts';

const chunkBytes = 65_536;
const newline = 10;

/** One stream of the sh holder. Segments have a fixed size, so a place in the stream is plain arithmetic and every gap is known to the byte. */
export function rawSource(dir: string, prefix: 'out' | 'err', segmentBytes: number): LogSource {
  const stream = prefix === 'out' ? 'stdout' : 'stderr';
  const total = (position: Position) => position.segment * segmentBytes + position.offset;
  const placeOf = (bytes: number): Position => ({ segment: Math.floor(bytes / segmentBytes), offset: bytes % segmentBytes });

  /** Bytes from `start` on, across segments, until `size` is full or the stream ends here. */
  const readAcross = (start: number, size: number): Buffer => {
    const segments = new Map(listSegments(dir, prefix).map((segment) => [segment.index, segment.path]));
    const parts: Buffer[] = [];
    let have = 0;
    while (have < size) {
      const { segment, offset } = placeOf(start + have);
      const path = segments.get(segment);
      const part = path === undefined ? null : readSegment(path, offset, Math.min(size - have, segmentBytes - offset));
      if (part === null || part.length === 0) break;
      parts.push(part);
      have += part.length;
    }
    return Buffer.concat(parts);
  };

  return {
    prefix,
    read(from, { isPatient }): Piece | null {
      const start = total(from);
      const first = listSegments(dir, prefix)[0];
      if (first === undefined) return null;
      const kept = first.index * segmentBytes;
      if (kept > start) return { gap: kept - start, at: null, next: placeOf(kept) };
      const chunk = readAcross(start, chunkBytes);
      const lineEnd = chunk.lastIndexOf(newline) + 1;
      const length = lineEnd > 0 ? lineEnd : !isPatient || chunk.length === chunkBytes ? chunk.length : 0;
      if (length === 0) return null;
      return { stream, bytes: chunk.subarray(0, length), at: null, next: placeOf(start + length) };
    },
    tail(lines) {
      const segments = listSegments(dir, prefix);
      const first = segments[0];
      const last = segments.at(-1);
      if (first === undefined || last === undefined) return beginning;
      const floor = first.index * segmentBytes;
      const end = last.index * segmentBytes + last.bytes;
      let missing = lines;
      for (let stop = end; stop > floor; ) {
        const start = Math.max(floor, stop - chunkBytes);
        const chunk = readAcross(start, stop - start);
        for (let at = chunk.length - 1; at >= 0; at--) {
          // The newline that ends the last line does not begin one.
          if (chunk[at] !== newline || start + at === end - 1) continue;
          if (--missing <= 0) return placeOf(start + at + 1);
        }
        stop = start;
      }
      return lines <= 0 ? placeOf(end) : placeOf(floor);
    },
    since(ms) {
      const segments = listSegments(dir, prefix);
      const found = segments.find((segment) => segment.modifiedMs >= ms);
      const last = segments.at(-1);
      if (found !== undefined) return { segment: found.index, offset: 0 };
      return last === undefined ? beginning : placeOf(last.index * segmentBytes + last.bytes);
    },
  };
}
