import fc from 'fast-check';
import stringWidth from 'string-width';
import { beforeAll, expect, test } from 'vitest';
import { ps, worker } from '../fixtures/fake-agent.ts';
import { paintFor } from './colour.ts';
import { cut, readyToMeasure, widthOf } from './fit.ts';
import { bytesText, psTable } from './ps-table.ts';
import { Rates } from './rates.ts';

beforeAll(() => readyToMeasure());

const plain = paintFor({ isTTY: false });
const nowMs = Date.parse('2026-01-01T01:00:00Z');
const rows = (width: number | null, workers: Parameters<typeof ps>[0]) => psTable({ document: ps(workers), width, nowMs, paint: plain });
const web = worker('web', { since: '2026-01-01T00:00:00Z', reason: 'its health check passes and has done so for a long time' });

test('a table is cut to the width of the terminal, the reason first', () => {
  expect(rows(64, [web])).toEqual([
    'NAME  RUNTIME  STATE    SINCE  RESTARTS  PORTS  REASON',
    'web   native   healthy  60m    0                its health chec…',
  ]);
});

test('with little room whole columns give way, name and state never', () => {
  expect(rows(31, [web])[0]).toBe('NAME  STATE    REASON');
  expect(rows(12, [web])).toEqual(['NAME  STATE', 'web   healt…']);
});

test('no line is ever wider than the terminal, whatever the workers say', () => {
  const text = fc.string({ unit: 'binary', maxLength: 60 });
  const some = fc.record({ name: fc.stringMatching(/^[a-z]{1,63}$/), reason: text, runtime: fc.constantFrom('native', 'docker', null), restarts: fc.nat() });
  fc.assert(
    fc.property(fc.array(some, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 200 }), (given, width) => {
      for (const line of rows(
        width,
        given.map(({ name, ...over }) => worker(name, over)),
      )) {
        expect(widthOf(line)).toBeLessThanOrEqual(width);
        expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }
    }),
    { numRuns: 500 },
  );
});

test('colour is there on a terminal alone, and not with NO_COLOR or on a dumb one', () => {
  expect(paintFor({ isTTY: true }, {})('x', 'red')).toBe('\u001b[31mx\u001b[0m');
  expect(paintFor({ isTTY: true }, { NO_COLOR: '' })('x', 'red')).toBe('\u001b[31mx\u001b[0m');
  expect(paintFor({ isTTY: true }, { NO_COLOR: '1' })('x', 'red')).toBe('x');
  expect(paintFor({ isTTY: true }, { TERM: 'dumb' })('x', 'red')).toBe('x');
  expect(paintFor({}, {})('x', 'red')).toBe('x');
});

test('text is cut between whole characters, wide ones too', () => {
  expect(cut('日本語', 5)).toBe('日本…');
  expect(cut('日本語', 4)).toBe('日…');
  expect(cut('日本語', 6)).toBe('日本語');
  expect(cut('e\u0301e\u0301e\u0301', 2)).toBe('e\u0301…');
});

test('CPU is the share of one core since the last look; a counter that went back counts as none', () => {
  const rates = new Rates();
  const look = (cpuNs: number | null, atMs: number) =>
    rates.look({ version: 1, workers: [{ name: 'web', cpuNs, memoryBytes: 5, ioBytes: null }] }, atMs).get('web')?.cpuPercent;
  expect(look(1e9, 0)).toBeNull();
  expect(look(2.5e9, 1000)).toBe(150);
  expect(look(0, 2000)).toBe(0);
  expect(look(1e8, 3000)).toBe(10);
  expect(look(null, 4000)).toBeNull();
  expect(look(2e8, 5000)).toBeNull();
});

test('amounts of memory are told as people read them', () => {
  expect([0, 1023, 1024, 12_900_000, 3 * 2 ** 30].map(bytesText)).toEqual(['0 B', '1023 B', '1.0 KiB', '12.3 MiB', '3.0 GiB']);
});

test('what is taken for one column a character without measuring is that', () => {
  const wrong: string[] = [];
  for (let code = 0x20; code < 0x3000; code += 1) {
    const text = String.fromCharCode(code);
    if (widthOf(text) !== stringWidth(text)) wrong.push(code.toString(16));
  }
  expect(wrong).toEqual([]);
});
