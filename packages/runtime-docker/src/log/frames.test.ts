import { expect, test } from 'vitest';
import { lines } from './frames.ts';

const pieceBytes = 16 * 1024;
const stamp = '2026-01-01T00:00:01.000000001Z ';
const later = '2026-01-01T00:00:02.000000000Z ';

async function framesOf(chunks: Iterable<string>): Promise<readonly string[]> {
  const found: string[] = [];
  const source = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk);
  })();
  for await (const { bytes } of lines(source)) found.push(bytes.toString('utf8'));
  return found;
}
const inChunksOf = (size: number, text: string) => text.match(new RegExp(`[^]{1,${String(size)}}`, 'g')) ?? [];

test.each([1, 7, 4096, 1e6])('a terminal’s long line comes in the pieces in which the engine keeps it, in chunks of %i bytes', async (size) => {
  const pieces = [
    `${stamp}a\r\n`,
    `${stamp}${'x'.repeat(pieceBytes)}`,
    `${stamp}${'x'.repeat(100)}\r\n`,
    `${later}${'y'.repeat(pieceBytes)}`,
    `${later}\n`,
    `${later}end`,
  ];
  expect(await framesOf(inChunksOf(size, pieces.join('')))).toEqual(pieces);
});

test('a piece of a line that carries no time has that of the line', async () => {
  const text = `${stamp}${'x'.repeat(2 * pieceBytes)}\n${later}b\n`;
  const piece = `${stamp}${'x'.repeat(pieceBytes)}`;
  expect(await framesOf(inChunksOf(5000, text))).toEqual([piece, piece, `${stamp}\n`, `${later}b\n`]);
});

test('a time that a worker prints itself is its text', async () => {
  const text = `${stamp}${later}x\n${stamp}${'x'.repeat(pieceBytes)}${stamp}${later}y\n`;
  expect(await framesOf([text])).toEqual([`${stamp}${later}x\n`, `${stamp}${'x'.repeat(pieceBytes)}`, `${stamp}${later}y\n`]);
});

test('output without a newline is not gathered, however much it is', async () => {
  const total = 8 * 2 ** 20;
  const chunk = Buffer.alloc(65_536, 'x');
  let given = 0;
  let taken = 0;
  let most = 0;
  const source = (async function* () {
    yield Buffer.from(stamp);
    for (; given < total; given += chunk.length) {
      most = Math.max(most, given - taken);
      yield chunk;
    }
  })();
  for await (const { bytes } of lines(source)) taken += bytes.length - stamp.length;
  expect([taken, most]).toEqual([total, expect.any(Number)]);
  expect(most).toBeLessThan(2 * chunk.length);
});
