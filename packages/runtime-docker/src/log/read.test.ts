import type { LogRecord } from '@ostler/sdk';
import { afterEach, expect, test } from 'vitest';
import type { ContainerJson } from '../engine/json.ts';
import { callFor, scriptedEngine } from '../fixtures/scripted-engine.ts';
import { ContainerLog } from './read.ts';
import { stampOf } from './stamp.ts';

let engine: Awaited<ReturnType<typeof scriptedEngine>> | undefined;
afterEach(() => engine?.end());

type Line = readonly [at: string, text: string, stream?: 1 | 2];
const time = (at: string): string => `2026-01-01T00:00:${at.includes('.') ? at.padEnd(12, '0') : `${at}.000000000`}Z`;

function frame([at, text, stream = 1]: Line): Buffer {
  const bytes = Buffer.from(`${time(at)} ${text}`);
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([head, bytes]);
}

/** As dockerd reads a file: from its beginning, leaving out what is older, without sorting. */
async function logOf(lines: readonly Line[]) {
  engine = await scriptedEngine((socket, request) => {
    const query = new URL(`http://d${/^GET (\S+)/.exec(request)?.[1] ?? ''}`).searchParams;
    const since = Number(query.get('since') ?? 0);
    const kept = lines.filter(([at]) => Number(stampOf(time(at))) >= since);
    const tail = query.get('tail') ?? 'all';
    const body = Buffer.concat((tail === 'all' ? kept : kept.slice(-Number(tail))).map(frame));
    socket.end(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'), body]));
  });
  const log = new ContainerLog(engine.connection, 'docker', { Id: 'x', Config: {} } as unknown as ContainerJson, 'web', callFor(5000));
  const read = async (from: Parameters<ContainerLog['read']>[0]): Promise<readonly LogRecord[]> => {
    const records: LogRecord[] = [];
    for await (const record of log.read(from, false)) records.push(record);
    return records;
  };
  return read;
}

const texts = (records: readonly LogRecord[]) => records.map((one) => ('bytes' in one ? Buffer.from(one.bytes).toString('utf8') : one.gap));

test('equal stamps and stamps out of order are no reason to lose or double a line', async () => {
  const read = await logOf([
    ['01.5', 'a'],
    ['01.5', 'b', 2],
    ['01.7', 'err', 2],
    ['01.5', 'rest of a'],
    ['01.7', 'c'],
    ['03', 'd'],
  ]);
  const all = await read('start');
  expect(new Set(all.map((one) => one.cursor)).size).toBe(all.length);
  for (const [i, { cursor }] of all.entries()) {
    const rest = await read({ after: cursor });
    expect([texts(rest), rest.map((one) => one.cursor)], `after ${i}`).toEqual([texts(all.slice(i + 1)), all.slice(i + 1).map((one) => one.cursor)]);
  }
});

test('a place that was rotated away is told as a gap, and what is left follows it', async () => {
  const before = await (await logOf([['01', 'old']]))('start');
  await engine?.end();
  const read = await logOf([
    ['02', 'soon after'],
    ['30', 'later'],
  ]);
  expect(texts(await read({ after: before[0]?.cursor ?? '' }))).toEqual([null, 'soon after', 'later']);
});

test('the last lines carry the cursors that they have in the whole', async () => {
  const read = await logOf([
    ['01', 'a\n'],
    ['01', 'b\n'],
    ['01', 'c\n'],
    ['02', 'd'],
  ]);
  const all = await read('start');
  for (const tailLines of [0, 1, 2, 3, 4, 9]) {
    const last = await read({ tailLines });
    expect(last.map((one) => one.cursor)).toEqual(all.slice(tailLines === 0 ? all.length : -tailLines).map((one) => one.cursor));
  }
});

test('a line in pieces is one line of the last ones', async () => {
  const read = await logOf([
    ['01', 'a\n'],
    ['02', 'b1-'],
    ['02.5', 'err\n', 2],
    ['02', 'b2-'],
    ['02', 'b3\n'],
    ['03', 'c\n'],
  ]);
  expect(texts(await read({ tailLines: 1 }))).toEqual(['c\n']);
  expect(texts(await read({ tailLines: 3 }))).toEqual(['b1-', 'err\n', 'b2-', 'b3\n', 'c\n']);
  expect(texts(await read({ tailLines: 4 }))).toHaveLength(6);
});

test('a cursor of another runtime is refused', async () => {
  const read = await logOf([]);
  await expect(read({ after: 'log:aaaaaa:0:0' })).rejects.toMatchObject({ code: 'invalid', outcome: 'no' });
});
