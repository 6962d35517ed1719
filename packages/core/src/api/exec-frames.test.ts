import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeFrame, encodeFrames, FrameReader, type FrameType, maxFrameBytes } from './exec-frames.ts';

test('frames come whole, however they are cut', () => {
  const frames = fc.array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.uint8Array({ maxLength: 50 })), { maxLength: 10 });
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 7 }), (given, size) => {
      const whole = Buffer.concat(given.map(([type, bytes]) => encodeFrame(type as FrameType, bytes)));
      const reader = new FrameReader();
      const got = [];
      for (let at = 0; at < whole.length; at += size) got.push(...reader.push(whole.subarray(at, at + size)));
      expect(got.map(({ type, payload }) => [type, [...payload]])).toEqual(given.map(([type, bytes]) => [type, [...bytes]]));
    }),
  );
});

test('a frame has one byte of type, four of length, and its payload', () => {
  expect([...encodeFrame(1, 'ab')]).toEqual([1, 0, 0, 0, 2, 97, 98]);
  expect([...encodeFrame(6)]).toEqual([6, 0, 0, 0, 0]);
});

test('what is too long for a frame is cut into several, or refused at either end', () => {
  const bytes = new Uint8Array(maxFrameBytes + 1).fill(7);
  expect([...encodeFrames(1, bytes)].map(({ length }) => length)).toEqual([maxFrameBytes + 5, 6]);
  expect(() => encodeFrame(1, bytes)).toThrow(RangeError);
  const head = Buffer.from([0, 0xff, 0xff, 0xff, 0xff]);
  expect(() => new FrameReader().push(head)).toThrow('a frame of 4294967295 bytes came');
});

test('a long frame that comes in small pieces takes time in proportion to its length', () => {
  const reader = new FrameReader();
  const whole = encodeFrame(0, new Uint8Array(maxFrameBytes));
  const startMs = performance.now();
  let frames = 0;
  for (let at = 0; at < whole.length; at += 16) frames += reader.push(whole.subarray(at, at + 16)).length;
  expect(frames).toBe(1);
  // Copied with each of the 65 536 pieces it would be 34 GB.
  expect(performance.now() - startMs).toBeLessThan(2000);
});
