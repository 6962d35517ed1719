import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { framedSource } from './framed-source.ts';
import { readSegment } from './segment.ts';
import { beginning, type Position } from './source.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ostler-damaged-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function frame(kind: number, bytes: Uint8Array, more: { length?: number; lost?: number; atNs?: bigint } = {}): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0x3146534f, 0);
  header[4] = kind;
  header.writeBigUInt64LE(more.atNs ?? 1_700_000_000_000_000_000n, 8);
  header.writeUInt32LE(more.length ?? bytes.length, 16);
  header.writeUInt32LE(more.lost ?? 0, 20);
  return Buffer.concat([header, bytes]);
}

const first = (before: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(before);
  return frame(3, bytes);
};

const names = ['log.aaaaaa', 'log.aaaaab', 'log.aaaaac'];
function write(segments: readonly Uint8Array[]): void {
  for (const name of readdirSync(dir)) rmSync(join(dir, name));
  for (const [index, bytes] of segments.entries()) writeFileSync(join(dir, names[index] as string), bytes);
}

/** Reads all that there is, in every way there is. Each step must lead on, so that reading comes to an end. */
function readAll(from: Position = beginning): number {
  const source = framedSource(dir);
  let read = 0;
  let position = from;
  for (let piece = source.read(position, { hasEnded: true, isPatient: false }); piece !== null; ) {
    const { next } = piece;
    const isFurther = next.segment > position.segment || (next.segment === position.segment && next.offset > position.offset);
    expect(isFurther, JSON.stringify({ position, next })).toBe(true);
    if ('bytes' in piece) read += piece.bytes.length;
    position = next;
    piece = source.read(position, { hasEnded: true, isPatient: false });
  }
  source.read(position, { hasEnded: false, isPatient: true });
  for (const lines of [0, 1, 3, 1e9]) source.tail(lines);
  for (const ms of [0, Date.now(), 1e15]) source.since(ms);
  return read;
}

const frames = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 200 })).map(([kind, bytes]) => frame(kind, bytes)),
    fc.constant(frame(1, Buffer.from('a line\n'))),
    fc.integer({ min: 0, max: 0xffffffff }).map((lost) => frame(0, Buffer.alloc(0), { lost })),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(first),
    fc
      .record({ kind: fc.nat(255), length: fc.nat(0xffffffff), atNs: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) })
      .map((one) => frame(one.kind, Buffer.from('x\n'), one)),
    fc.uint8Array({ maxLength: 60 }),
  ),
  { maxLength: 20 },
);
const segments = fc.array(
  fc.tuple(frames, fc.nat(100), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 })).map(([parts, cut, flips]) => {
    const whole = Buffer.concat([first(0n), ...parts]);
    const bytes = whole.subarray(0, whole.length - Math.min(cut, whole.length));
    for (const [at, value] of flips) if (bytes.length > 0) bytes[at % bytes.length] = value;
    return bytes;
  }),
  { minLength: 1, maxLength: 3 },
);

test('however segments are damaged, reading them does not throw and comes to an end', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(segments, fc.nat(3), fc.nat(5000), (damaged, segment, offset) => {
      write(damaged);
      readAll();
      readAll({ segment, offset });
    }),
    { numRuns: 300 },
  );
});

test('a frame that claims 4 GiB takes no more memory than its segment has bytes', () => {
  write([Buffer.concat([first(0n), frame(1, Buffer.from('kept\n')), frame(1, Buffer.from('torn'), { length: 0xffffffff })]), first(9n)]);
  expect(readSegment(join(dir, 'log.aaaaaa'), 32, 0xffffffff)?.buffer.byteLength).toBeLessThan(1 << 20);
  expect(readAll()).toBe('kept\ntorn'.length);
});

test('a segment full of first frames is a torn one', () => {
  write([Buffer.concat([...Array.from({ length: 40_000 }, () => frame(3, Buffer.alloc(8))), frame(1, Buffer.from('lost\n'))]), first(0n)]);
  expect(readAll()).toBe(0);
});
