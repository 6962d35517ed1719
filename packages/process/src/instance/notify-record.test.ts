import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readNotified } from './notify-record.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ostler-notify-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const readBytes = (bytes: Uint8Array) => {
  writeFileSync(join(dir, 'notify'), bytes);
  return readNotified(dir);
};

function record(): Buffer {
  const bytes = Buffer.alloc(296);
  bytes.write('OSN1');
  bytes.writeBigUInt64LE(1_500_000_000n, 8);
  bytes.writeUInt32LE(3, 32);
  bytes.write('all', 40);
  return bytes;
}

test('a record tells what was said, and none tells that nobody listened', () => {
  expect(readNotified(dir)).toBe(null);
  expect(readBytes(record())).toEqual({ readyAt: '1970-01-01T00:00:01.500Z', aliveAt: null, stoppingAt: null, isTripped: false, status: 'all' });
});

test('a record that is cut off, or of another kind, is none', () => {
  for (let length = 0; length < 296; length++) expect(readBytes(record().subarray(0, length))).toBe(null);
  const other = record();
  other[3] = 0x32;
  expect(readBytes(other)).toBe(null);
});

test('whatever stands in a record, reading it does not throw, and its status is no longer than there is room', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 292, maxLength: 400 }), (rest) => {
      const said = readBytes(Buffer.concat([Buffer.from('OSN1'), rest]));
      expect(said).not.toBe(null);
      expect(said?.status?.length ?? 0).toBeLessThanOrEqual(255);
      for (const at of [said?.readyAt, said?.aliveAt, said?.stoppingAt]) if (at !== null) expect(Number.isNaN(Date.parse(at as string))).toBe(false);
    }),
  );
});
