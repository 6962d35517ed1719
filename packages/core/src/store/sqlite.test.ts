import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { instanceRecord, journalEntry, sample, workerRecord } from './fixtures/sample.ts';
import { isStoreFailure, openStore } from './index.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'store-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const byKey = <T>(records: readonly T[] | undefined) => [...(records ?? [])].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

test('what was committed is all there after the store was closed and opened again', async () => {
  const first = await openStore({ dataDir });
  const records = await first.commit(sample);
  await first.close();
  const again = await openStore({ dataDir });
  const { workers, instances, generations, values } = await again.load();
  expect(byKey(workers)).toEqual(byKey(sample.workers));
  expect(byKey(instances)).toEqual(byKey(sample.instances));
  expect(byKey(generations)).toEqual(byKey(sample.generations));
  expect(values).toEqual(sample.values);
  expect(await again.journal({})).toEqual(records);
  expect(records.map(({ cursor, ...entry }) => entry)).toEqual(sample.journal);
  expect(again.setAside).toBeNull();
  await again.close();
  expect(readdirSync(dataDir).sort()).toEqual(['agent.lock', 'reserve', 'state.db']);
});

test('a worker is forgotten with all that is its own, but not its journal; a batch can put a new one in its place', async () => {
  const store = await openStore({ dataDir });
  await store.commit(sample);
  await store.commit({
    forgetWorkers: ['api', 'job'],
    workers: [workerRecord('job', { epoch: 0 })],
    forgetInstances: [{ worker: 'held', instance: 'no such' }],
  });
  const { workers, instances, generations } = await store.load();
  expect(workers.map((w) => [w.worker, w.epoch])).toEqual([
    ['held', 7],
    ['job', 0],
  ]);
  expect([...instances, ...generations]).toEqual([]);
  expect((await store.journal({ worker: 'api' })).map((r) => r.text)).toEqual(['first']);
  await store.close();
});

test('batches in flight are kept in order, and one that is refused fails alone and leaves nothing', async () => {
  const store = await openStore({ dataDir });
  const commits = Array.from({ length: 600 }, (_, n) => {
    const bad = n % 50 === 7;
    const entry = journalEntry(`${n}`);
    return store.commit({
      workers: [workerRecord(`w${n}`)],
      journal: bad ? [entry, { ...entry, text: null as unknown as string }] : [entry],
      values: n === 123 ? { bad: (() => 1) as unknown as null } : {},
    });
  });
  const settled = await Promise.allSettled(commits);
  const isBad = (n: number) => n % 50 === 7 || n === 123;
  const good = settled.flatMap((s, n) => (isBad(n) ? [] : [{ s, n }]));
  expect(settled.filter((s) => s.status === 'rejected').length).toBe(13);
  for (const s of settled) if (s.status === 'rejected') expect(isStoreFailure(s.reason) && s.reason.code).toBe('io');
  const journal = await store.journal({});
  expect(journal.map((r) => Number(r.text))).toEqual(good.map(({ n }) => n));
  expect(journal).toEqual(good.flatMap(({ s }) => (s.status === 'fulfilled' ? s.value : [])));
  expect(new Set((await store.load()).workers.map((w) => w.worker))).toEqual(new Set(good.map(({ n }) => `w${n}`)));
  await store.close();
});

test('what the caller changes after commit() does not count', async () => {
  const store = await openStore({ dataDir });
  const values = { a: [1] };
  const first = store.commit({});
  const second = store.commit({ values });
  values.a.push(2);
  await Promise.all([first, second]);
  expect((await store.load()).values).toEqual({ a: [1] });
  await store.close();
});

test('the journal is asked by cursor, time, worker and number; trimmed entries do not give their cursors back', async () => {
  const store = await openStore({ dataDir });
  const entries = Array.from({ length: 10 }, (_, n) => journalEntry(`${n}`, { worker: n % 2 ? 'odd' : 'even', at: `2026-01-01T00:00:0${n}.000Z` }));
  const cursors = (await store.commit({ journal: entries })).map((r) => r.cursor);
  const texts = async (query: Parameters<typeof store.journal>[0]) => (await store.journal(query)).map((r) => r.text).join('');
  expect(await texts({ afterCursor: cursors[6]! })).toBe('789');
  expect(await texts({ since: '2026-01-01T00:00:04.000Z', worker: 'odd' })).toBe('579');
  expect(await texts({ limit: 3 })).toBe('789');
  expect(await texts({ worker: 'even', limit: 2, afterCursor: cursors[0]! })).toBe('68');
  expect(await store.trimJournal(2)).toBe(8);
  expect(await texts({})).toBe('89');
  expect(await store.trimJournal(0)).toBe(1);
  expect(await texts({})).toBe('9');
  const [after] = await store.commit({ journal: [journalEntry('new')] });
  expect(after?.cursor).toBe(cursors.at(-1)! + 1);
  await store.close();
});

test('a second agent on the data directory is refused and told the pid of the first, which loses nothing', async () => {
  const first = await openStore({ dataDir });
  await expect(openStore({ dataDir })).rejects.toMatchObject({ code: 'agent-is-running', message: expect.stringContaining(`pid ${process.pid}`) });
  await first.commit({ values: { still: 'here' } });
  await first.close();
  const second = await openStore({ dataDir });
  expect((await second.load()).values).toEqual({ still: 'here' });
  await second.close();
});

test('close() finishes what was asked before it and refuses what comes after', async () => {
  const store = await openStore({ dataDir });
  const asked = Array.from({ length: 300 }, (_, n) => store.commit({ instances: [instanceRecord(`w${n}`)] }));
  const closed = store.close();
  await expect(store.commit({})).rejects.toMatchObject({ code: 'closed' });
  await expect(store.load()).rejects.toSatisfy(isStoreFailure);
  await closed;
  await store.close();
  expect(await Promise.all(asked)).toHaveLength(300);
  const again = await openStore({ dataDir });
  expect((await again.load()).instances).toHaveLength(300);
  await again.close();
});

test('a call that takes long is reported and still finishes', async () => {
  const slow: unknown[] = [];
  const store = await openStore({ dataDir, slowAfterMs: 1, onSlow: (call) => slow.push(call) });
  await store.commit({ journal: Array.from({ length: 30_000 }, (_, n) => journalEntry(`${n}`)) });
  expect(slow).toContainEqual({ op: 'commit', afterMs: 1 });
  expect(await store.journal({})).toHaveLength(30_000);
  await store.close();
});
