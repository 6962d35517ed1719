import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeFrame, type Frame, readFrames } from './frames.ts';
import { readNdjson } from './ndjson.ts';

async function* pieces(bytes: Buffer, cuts: readonly number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (const at of [...cuts].map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b)) {
    yield bytes.subarray(from, at);
    from = at;
  }
  yield bytes.subarray(from);
}

test('frames come out as they went in, however the stream is cut', async () => {
  const some = fc.record({ type: fc.integer({ min: 0, max: 255 }), payload: fc.uint8Array({ maxLength: 300 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(some, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 20 }), async (frames, cuts) => {
      const bytes = Buffer.concat(frames.map(({ type, payload }) => encodeFrame(type, payload)));
      const read: Frame[] = [];
      for await (const frame of readFrames(pieces(bytes, cuts))) read.push(frame);
      expect(read.map(({ type, payload }) => [type, [...payload]])).toEqual(frames.map(({ type, payload }) => [type, [...payload]]));
    }),
  );
});

test('a frame that is too long is neither written nor read, and one cut off is an error', async () => {
  expect(() => encodeFrame(0, new Uint8Array(2 ** 20 + 1))).toThrow('a frame holds 1048576 bytes at most');
  const read = async (bytes: Buffer): Promise<void> => {
    for await (const _ of readFrames(pieces(bytes, [])));
  };
  await expect(read(Buffer.from([0, 0, 16, 0, 1]))).rejects.toThrow('a frame of 1048577 bytes came');
  await expect(read(encodeFrame(0, 'whole').subarray(0, 7))).rejects.toThrow('ended within a frame');
});

test('JSON lines come out whole, however the stream is cut; a last one without its end is left out', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 20 }), async (values, cuts) => {
      const bytes = Buffer.from(`${values.map((value) => `${JSON.stringify(value)}\n`).join('')}{"cut`);
      const read: unknown[] = [];
      for await (const value of readNdjson(pieces(bytes, cuts))) read.push(value);
      expect(JSON.stringify(read)).toBe(JSON.stringify(values));
    }),
  );
});
