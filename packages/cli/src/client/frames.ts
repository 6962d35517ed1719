/** What the two ends of an `exec` say to each other: one byte of type, four bytes of length (big-endian), the payload. */
export const frame = { stdin: 0, stdout: 1, stderr: 2, exit: 3, resize: 4, error: 5, stdinEnd: 6 } as const;

export interface Frame {
  readonly type: number;
  readonly payload: Buffer;
}

const headBytes = 5;
const longestBytes = 2 ** 20;

export function encodeFrame(type: number, payload: Uint8Array | string = ''): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload;
  if (body.length > longestBytes) throw new RangeError(`a frame holds ${longestBytes} bytes at most, not ${body.length}`);
  const encoded = Buffer.allocUnsafe(headBytes + body.length);
  encoded.writeUInt8(type, 0);
  encoded.writeUInt32BE(body.length, 1);
  encoded.set(body, headBytes);
  return encoded;
}

/** The whole frames of a stream, as they come. Throws when one is too long, or when the stream ends within one. */
export async function* readFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let wantedBytes = headBytes;
  for await (const chunk of chunks) {
    pending.push(chunk);
    pendingBytes += chunk.length;
    // Joined only when a whole frame is there: a large one that comes in small pieces is not copied each time.
    if (pendingBytes < wantedBytes) continue;
    let bytes = pending.length === 1 ? pending[0]! : Buffer.concat(pending, pendingBytes);
    wantedBytes = headBytes;
    while (bytes.length >= headBytes) {
      const length = bytes.readUInt32BE(1);
      if (length > longestBytes) throw new RangeError(`a frame of ${length} bytes came; ${longestBytes} is the most`);
      wantedBytes = headBytes + length;
      if (bytes.length < wantedBytes) break;
      yield { type: bytes.readUInt8(0), payload: bytes.subarray(headBytes, wantedBytes) };
      bytes = bytes.subarray(wantedBytes);
      wantedBytes = headBytes;
    }
    pending = bytes.length === 0 ? [] : [bytes];
    pendingBytes = bytes.length;
  }
  if (pendingBytes > 0) throw new RangeError('the stream ended within a frame');
}
