/** What goes over an upgraded exec connection, both ways: one byte of type, four bytes of length (big-endian), the payload. */
export const frameTypes = { stdin: 0, stdout: 1, stderr: 2, exit: 3, resize: 4, error: 5, stdinEnd: 6 } as const;
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];

export interface Frame {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Longer ones end the connection. */
export const maxFrameBytes = 1024 * 1024;
const headBytes = 5;

/** Throws RangeError when the payload is too long for one frame; {@link encodeFrames} cuts it. */
export function encodeFrame(type: FrameType, payload: Uint8Array | string = ''): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  if (bytes.length > maxFrameBytes) throw new RangeError(`a frame holds ${maxFrameBytes} bytes at most, not ${bytes.length}`);
  const frame = Buffer.allocUnsafe(headBytes + bytes.length);
  frame.writeUInt8(type, 0);
  frame.writeUInt32BE(bytes.length, 1);
  frame.set(bytes, headBytes);
  return frame;
}

/** As many frames as the bytes need; none for no bytes. */
export function* encodeFrames(type: FrameType, bytes: Uint8Array): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += maxFrameBytes) yield encodeFrame(type, bytes.subarray(at, at + maxFrameBytes));
}

/** Takes bytes as they come and gives whole frames. */
export class FrameReader {
  #parts: Uint8Array[] = [];
  #bytes = 0;
  /** Joined only when a whole frame is there: one that comes in small pieces is not copied with each of them. */
  #wantedBytes = headBytes;

  /** Throws RangeError on a frame that is too long; what follows it cannot be read. */
  push(bytes: Uint8Array): readonly Frame[] {
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes < this.#wantedBytes) return [];
    let rest = Buffer.concat(this.#parts);
    const frames: Frame[] = [];
    this.#wantedBytes = headBytes;
    while (rest.length >= headBytes) {
      const length = rest.readUInt32BE(1);
      if (length > maxFrameBytes) throw new RangeError(`a frame of ${length} bytes came; ${maxFrameBytes} is the most`);
      this.#wantedBytes = headBytes + length;
      if (rest.length < this.#wantedBytes) break;
      frames.push({ type: rest[0]!, payload: rest.subarray(headBytes, this.#wantedBytes) });
      rest = rest.subarray(this.#wantedBytes);
      this.#wantedBytes = headBytes;
    }
    this.#parts = rest.length === 0 ? [] : [rest];
    this.#bytes = rest.length;
    return frames;
  }
}
