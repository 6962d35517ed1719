import { expect, test } from 'vitest';
import { parseExit } from './exit-record.ts';

const text = (value: string) => parseExit(Buffer.from(value));

test('a text record above 128 is the signal it maps to, others are codes; filling after it is no part of it', () => {
  expect(text('0\n             \n')).toMatchObject({ code: 0, signal: null });
  expect(text('137\n')).toMatchObject({ code: null, signal: 'SIGKILL' });
  expect(text('128\n')).toMatchObject({ code: 128, signal: null });
  expect(text('255\n')).toMatchObject({ code: 255, signal: null });
});

test('an unfinished record is no exit', () => {
  for (const value of ['', '13', '               \n']) expect(text(value)).toBe(null);
  expect(parseExit(fixed(0, 1, 0))).toBe(null);
});

function fixed(state: number, kind: number, value: number): Buffer {
  const buffer = Buffer.alloc(32);
  buffer.writeUInt32LE(0x3158534f, 0);
  buffer[4] = state;
  buffer[5] = kind;
  buffer.writeInt32LE(value, 8);
  buffer.writeUInt32LE(2, 12);
  buffer.writeBigUInt64LE(1_500_000_000n, 16);
  buffer.writeBigUInt64LE(42n, 24);
  return buffer;
}

test('a fixed record tells code from signal, time, memory kills and lost bytes', () => {
  expect(parseExit(fixed(1, 1, 137))).toEqual({ code: 137, signal: null, at: '1970-01-01T00:00:01.500Z', oomKills: 2, lostBytes: 42, hasNoneLeft: false });
  expect(parseExit(fixed(1, 2, 11))).toMatchObject({ code: null, signal: 'SIGSEGV' });
});
