import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogRecord } from '@ostler/sdk';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Bench, bench, call, ended, holders, logsOf, until } from '../driver/fixtures/bench.ts';
import { framedSource } from './framed-source.ts';
import type { Piece } from './source.ts';

const caps = (maxSizeBytes: number, maxFiles: number) => ({ logs: { maxSizeBytes, maxFiles } });

describe.each(holders)('the log of the %s holder', (name, holderOn) => {
  let b: Bench;
  beforeEach(() => {
    b = bench(holderOn);
  });
  afterEach(() => b.end());

  test('records plus gaps are the bytes written, and what is kept is the end', async () => {
    const target = await b.start(['sh', '-c', 'i=0; while [ $i -lt 5000 ]; do echo "line $i"; i=$((i+1)); done'], caps(4096, 3));
    await ended(b.driver, target);
    const all = Array.from({ length: 5000 }, (_, line) => `line ${line}\n`).join('');
    const seen = await logsOf(b.driver, target, 'start', true);
    expect(seen.gap + seen.stdout.length).toBe(all.length);
    expect(seen.gap).toBeGreaterThan(0);
    expect(seen.stdout.length).toBeGreaterThan(1000);
    expect(all.endsWith(seen.stdout)).toBe(true);
  });

  test('reading goes on after any cursor without a loss or a double', async () => {
    const target = await b.start(
      ['sh', '-c', `i=0; while [ $i -lt ${name === 'sh' ? 20_000 : 2000} ]; do echo "line $i"; i=$((i+1)); done; echo err >&2`],
      caps(8192, 1000),
    );
    await ended(b.driver, target);
    const records: LogRecord[] = [];
    for await (const record of b.driver.logs(target, 'start', true, call())) records.push(record);
    expect(records.length).toBeGreaterThan(3);
    const text = (list: readonly LogRecord[]) => list.map((record) => ('bytes' in record ? Buffer.from(record.bytes).toString() : '')).join('');
    for (const [index, { cursor }] of records.entries()) {
      const rest: LogRecord[] = [];
      for await (const record of b.driver.logs(target, { after: cursor }, false, call())) rest.push(record);
      expect(text(rest)).toBe(text(records.slice(index + 1)));
    }
    await expect(logsOf(b.driver, target, { after: 'nonsense' })).rejects.toMatchObject({ code: 'invalid' });
  });

  test('the last lines are found over segments, and a last line without newline is one', async () => {
    const target = await b.start(['sh', '-c', 'i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done; printf end'], caps(4096, 1000));
    await ended(b.driver, target);
    expect((await logsOf(b.driver, target, { tailLines: 3 })).stdout).toBe('line 2998\nline 2999\nend');
    expect((await logsOf(b.driver, target, { tailLines: 9999 })).stdout.split('\n')).toHaveLength(3001);
    expect((await logsOf(b.driver, target, { since: new Date(Date.now() + 60_000).toISOString() })).stdout).toBe('');
  });

  test('following gives lines as they come, ends with the worker, and quietly on abort', async () => {
    const go = join(b.state, 'go');
    const target = await b.start(['sh', '-c', `echo one; while [ ! -e ${go} ]; do sleep 0.01; done; echo two`]);
    const stop = new AbortController();
    const aborted: string[] = [];
    for await (const record of b.driver.logs(target, 'start', true, call(20_000, stop.signal))) {
      if ('bytes' in record) aborted.push(Buffer.from(record.bytes).toString());
      stop.abort();
    }
    expect(aborted).toEqual(['one\n']);
    const following = logsOf(b.driver, target, 'start', true);
    await until(async () => (await logsOf(b.driver, target)).stdout, 'the first line');
    writeFileSync(go, '');
    expect((await following).stdout).toBe('one\ntwo\n');
  });
});

function frame(kind: number, ms: number, bytes: string, lost = 0): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0x3146534f, 0);
  header[4] = kind;
  header.writeBigUInt64LE(BigInt(ms) * 1_000_000n, 8);
  header.writeUInt32LE(bytes.length, 16);
  header.writeUInt32LE(lost, 20);
  return Buffer.concat([header, Buffer.from(bytes)]);
}

test('frames carry stream, time and gaps; a short last frame of a segment is read as far as it goes', () => {
  const dir = mkdtempSync(join(tmpdir(), 'ostler-frames-'));
  try {
    writeFileSync(join(dir, 'log.aaaaac'), Buffer.concat([frame(1, 1000, 'out\n'), frame(0, 2000, '', 7), frame(2, 3000, 'torn line\n').subarray(0, 28)]));
    writeFileSync(join(dir, 'log.aaaaad'), Buffer.concat([frame(1, 4000, 'next\n'), frame(1, 5000, 'unfinished').subarray(0, 26)]));
    const source = framedSource(dir);
    const read = (hasEnded: boolean) => {
      const how = { hasEnded, isPatient: false };
      const pieces: Piece[] = [];
      for (let piece = source.read({ segment: 0, offset: 0 }, how); piece !== null; piece = source.read(piece.next, how)) pieces.push(piece);
      return pieces.map((piece) => ('gap' in piece ? piece.gap : `${piece.stream} ${piece.bytes} ${piece.at}`));
    };
    const ended = { hasEnded: true, isPatient: false };
    const kept = [null, 'stdout out\n 1970-01-01T00:00:01.000Z', 7, 'stderr torn 1970-01-01T00:00:03.000Z', 'stdout next\n 1970-01-01T00:00:04.000Z'];
    expect(read(false)).toEqual(kept);
    expect(read(true)).toEqual([...kept, 'stdout un 1970-01-01T00:00:05.000Z']);
    expect(source.read(source.since(3500), ended)).toMatchObject({ at: '1970-01-01T00:00:04.000Z' });
    expect(source.read(source.tail(2), ended)).toMatchObject({ at: '1970-01-01T00:00:04.000Z' });
  } finally {
    rmSync(dir, { recursive: true });
  }
});
