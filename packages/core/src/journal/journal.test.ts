import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { journalEntry } from '../store/fixtures/sample.ts';
import { type JournalRecord, openStore, type Store } from '../store/index.ts';
import { type Journal, type JournalOptions, openJournal } from './index.ts';

let dataDir: string;
let store: Store;
let journal: Journal;
const stop: AbortController[] = [];
beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'journal-'));
  store = await openStore({ dataDir });
});
afterEach(async () => {
  for (const controller of stop.splice(0)) controller.abort();
  await journal.close();
  await store.close();
  rmSync(dataDir, { recursive: true });
});

function open(more: Partial<JournalOptions> = {}): void {
  journal = openJournal(store, { keepEntries: 100_000, keepDays: 100_000, ...more });
}

function signal(): AbortSignal {
  const controller = new AbortController();
  stop.push(controller);
  return controller.signal;
}

const write = (n: number, worker: string | null = null) => journal.record({ journal: [journalEntry(`${n}`, { worker })] });

/** Reads until the record with the text `last`, slowly if asked to. */
async function readUntil(follower: AsyncIterable<JournalRecord>, last: string, slowness = 0): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of follower) {
    texts.push(text);
    for (let turn = 0; turn < slowness; turn++) await new Promise(setImmediate);
    if (text === last) return texts;
  }
  return [...texts, 'ended early'];
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => `${i}`);

test.each([
  ['a buffer that holds', 512, 0],
  ['a buffer of one, so that nearly all is read from the store', 1, 0],
  ['a slow reader with a small buffer', 4, 2],
])('followers that join while a writer goes on miss nothing and get nothing twice: %s', async (_, followBuffer, slowness) => {
  open({ followBuffer });
  const followers: Promise<string[]>[] = [];
  const writes: Promise<unknown>[] = [];
  for (let n = 0; n < 1000; n++) {
    writes.push(write(n));
    if (n % 100 === 50) followers.push(readUntil(journal.follow({ afterCursor: 0 }, signal()), '999', slowness));
    if (n % 7 === 0) await writes.at(-1);
  }
  await Promise.all(writes);
  for (const texts of await Promise.all(followers)) expect(texts).toEqual(upTo(1000));
  expect(followers).toHaveLength(10);
});

test('following one worker from a cursor gives its records alone', async () => {
  open({ followBuffer: 2 });
  const [tenth] = (await Promise.all(upTo(20).map((n) => write(Number(n), Number(n) % 2 ? 'odd' : 'even'))))[10]!;
  const follower = readUntil(journal.follow({ afterCursor: tenth!.cursor, worker: 'even' }, signal()), '38');
  for (let n = 20; n < 40; n++) await write(n, n % 2 ? 'odd' : 'even');
  expect(await follower).toEqual(['12', '14', '16', '18', '20', '22', '24', '26', '28', '30', '32', '34', '36', '38']);
});

test('following without a cursor begins at the call, also before the first record is asked for, and in a journal opened just now', async () => {
  open();
  await write(0);
  await journal.close();
  open({ followBuffer: 1 });
  const fromOpen = journal.follow({}, signal());
  await write(1);
  const fromOne = journal.follow({}, signal());
  await write(2);
  await write(3);
  expect(await readUntil(fromOpen, '3')).toEqual(['1', '2', '3']);
  expect(await readUntil(fromOne, '3')).toEqual(['2', '3']);
});

test('nothing is announced that the store did not keep', async () => {
  open();
  const follower = readUntil(journal.follow({ afterCursor: 0 }, signal()), '2');
  await write(1);
  await expect(journal.record({ journal: [journalEntry('lost'), { ...journalEntry(''), at: null as unknown as string }] })).rejects.toMatchObject({
    code: 'io',
  });
  await write(2);
  expect(await follower).toEqual(['1', '2']);
});

test('followers end with their signal and with the journal', async () => {
  open();
  const controller = new AbortController();
  const first = readUntil(journal.follow({}, controller.signal), 'never');
  const second = readUntil(journal.follow({}, signal()), 'never');
  controller.abort();
  expect(await first).toEqual(['ended early']);
  await journal.close();
  expect(await second).toEqual(['ended early']);
});

test('the oldest entries are dropped beside the commits, a tenth over at most, and the journal says so', async () => {
  open({ keepEntries: 50 });
  for (let n = 0; n < 200; n++) await write(n);
  await journal.close();
  const kept = await journal.query({});
  expect(kept.length).toBeGreaterThanOrEqual(50);
  expect(kept.length).toBeLessThanOrEqual(56);
  expect(kept.some((r) => r.type === 'journal.trimmed')).toBe(true);
  expect(kept.at(-1)?.cursor).toBeGreaterThan(200);
  const numbers = kept.filter((r) => r.type !== 'journal.trimmed').map((r) => Number(r.text));
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => 200 - numbers.length + i));
});

test('a follower that was behind what was dropped is told so, in its place, and then gets the rest; one in time is told nothing', async () => {
  open({ keepEntries: 20, followBuffer: 4 });
  const slow = journal.follow({ afterCursor: 0 }, signal());
  const ofOne = journal.follow({ afterCursor: 0, worker: 'odd' }, signal());
  for (let n = 0; n < 100; n++) await write(n, n % 2 ? 'odd' : 'even');
  await journal.close();
  const [first] = await journal.query({});
  const told = { type: 'journal.gap', cursor: first!.cursor - 1, data: { from: 1, through: first!.cursor - 1 } };
  for (const options of [{ afterCursor: 0 }, { afterCursor: 0, worker: 'odd' }, { afterCursor: 0, limit: 3 }]) {
    const [gap, ...rest] = await journal.query(options);
    expect(gap).toMatchObject(told);
    expect(rest).toEqual((await journal.query({ ...options, afterCursor: undefined })).filter(({ type }) => type !== 'journal.gap'));
  }
  expect((await journal.query({ afterCursor: first!.cursor - 1 }))[0]).toEqual(first);
  for (const follower of [slow, ofOne]) expect((await follower.next()).value).toMatchObject(told);
  expect((await ofOne.next()).value).toMatchObject({ worker: 'odd' });
  open({ keepEntries: 20 });
  const again = journal.follow({ afterCursor: 0 }, signal());
  expect((await again.next()).value).toMatchObject(told);
  expect((await again.next()).value).toEqual(first);
});

test('a follower that stood still while entries were dropped is told when it goes on', async () => {
  open({ keepEntries: 20, followBuffer: 4 });
  const follower = journal.follow({}, signal());
  await write(0);
  const first = (await follower.next()).value as JournalRecord;
  expect(first.text).toBe('0');
  for (let n = 1; n < 100; n++) await write(n);
  let last = first.cursor;
  let hasGap = false;
  for await (const { type, cursor, data, text } of follower) {
    if (type === 'journal.gap') {
      hasGap = true;
      expect((data as { from: number }).from).toBe(last + 1);
    } else expect(cursor).toBe(last + 1);
    last = cursor;
    if (text === '99') break;
  }
  expect(hasGap).toBe(true);
});

test('a batch that the store refused leaves no hole in the cursors, which would look like something dropped', async () => {
  open();
  await write(1);
  await Promise.all([
    write(2),
    journal.record({ journal: [journalEntry('lost'), { ...journalEntry(''), at: null as unknown as string }] }).catch(() => {}),
    write(3),
  ]);
  await write(4);
  expect((await journal.query({})).map(({ cursor }) => cursor)).toEqual([1, 2, 3, 4]);
});

test('entries that have grown old are dropped at the first one that comes, and then again after some hours, however few they are', async () => {
  const day = (n: number) => journalEntry(`day ${n}`, { at: new Date(Date.UTC(2026, 0, n)).toISOString() });
  let now = Date.UTC(2026, 0, 9);
  await store.commit({ journal: [day(1), day(3), day(9)] });
  open({ keepEntries: 20_000, keepDays: 7, nowMs: () => now });
  await journal.record({ journal: [day(9)] });
  await expect.poll(async () => (await journal.query({})).map(({ text }) => text)[0]).toBe('day 3');
  now += 2 * 86_400_000;
  await journal.record({ journal: [day(11)] });
  await expect.poll(async () => (await journal.query({})).map(({ text }) => text)[0]).toBe('day 9');
});

test('the newest entry stays whatever its age, so that cursors go on; a clock that was wrong takes no young entries along', async () => {
  const at = (year: number, text: string) => journalEntry(text, { at: new Date(Date.UTC(year, 0, 1)).toISOString() });
  await store.commit({ journal: [at(2026, 'young'), at(1970, 'before the clock was set'), at(2026, 'young again')] });
  expect(await store.trimJournal(100, '2025-01-01T00:00:00.000Z')).toBe(0);
  expect(await store.trimJournal(100, '2050-01-01T00:00:00.000Z')).toBe(2);
  expect((await store.journal({})).map(({ cursor, text }) => [cursor, text])).toEqual([[3, 'young again']]);
  expect(await store.trimJournal(0)).toBe(0);
  open();
  expect(await journal.newest()).toBe(3);
});

test('entries older than the days kept are dropped, younger ones are not', async () => {
  const day = (n: number) => journalEntry(`day ${n}`, { at: new Date(Date.UTC(2026, 0, n)).toISOString() });
  await store.commit({ journal: [day(1), day(2), day(3), day(4)] });
  open({ keepEntries: 10, keepDays: 7, nowMs: () => Date.UTC(2026, 0, 10) });
  await journal.record({ journal: [day(10)] });
  await journal.close();
  expect((await journal.query({})).map((r) => r.text)).toEqual([
    'day 3',
    'day 4',
    'day 10',
    'The 2 oldest entries were dropped: 10 of the last 7 days are kept at most.',
  ]);
});
