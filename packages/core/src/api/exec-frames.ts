/** What goes over an upgraded exec connection, both ways: one byte of type, four bytes of length (big-endian), the payload. */
export const frameTypes = { stdin: 0, stdout: 1, stderr: 2, exit: 3, resize: 4, error: 5, stdinEnd: 6 } as const;
export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];

export interface Frame {
  readonly type: number;
  readonly payload: Uint8Array;
}

/** Longer ones end the connection. */
export const maxFrameBytes = 1024 * 1024;

export function encodeFrame(type: FrameType, payload: Uint8Array | string): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const head = Buffer.alloc(5);
  head[0] = type;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

/** Takes bytes as they come and gives whole frames. Throws on one that is too long. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  push(bytes: Uint8Array): readonly Frame[] {
    this.#rest = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
    const frames: Frame[] = [];
    while (this.#rest.length >= 5) {
      const length = this.#rest.readUInt32BE(1);
      if (length > maxFrameBytes) throw new Error(`a frame of ${length} bytes is longer than ${maxFrameBytes}`);
      if (this.#rest.length < 5 + length) break;
      frames.push({ type: this.#rest[0]!, payload: this.#rest.subarray(5, 5 + length) });
      this.#rest = this.#rest.subarray(5 + length);
    }
    return frames;
  }
}
