import type { JournalEntry, WorkerRecord } from '@ostler/core';
import { expect, test } from 'vitest';
import { failingStore } from './failing-store.ts';
import { fakeClock } from './fake-clock.ts';
import { memoryStore } from './memory-store.ts';

const worker = (name: string): WorkerRecord => ({
  worker: name,
  want: 'run',
  heldBy: null,
  phase: 'idle',
  health: 'none',
  generation: null,
  instance: null,
  since: '2030-01-01T00:00:00.000Z',
  reason: 'new',
  restarts: 0,
  failures: 0,
  nextTryAt: null,
  epoch: 0,
  lastDueAt: null,
  extra: null,
});
const entry = (type: string): JournalEntry => ({ at: '2030-01-01T00:00:00.000Z', type, worker: 'a', instance: null, text: type, data: null });

test('what was committed is there for the agent that comes back; cursors go on after a trim', async () => {
  const store = memoryStore();
  const first = await store.commit({ workers: [worker('a'), worker('b')], journal: [entry('one'), entry('two')], values: { applied: { x: 1 } } });
  expect(first.map((one) => one.cursor)).toEqual([1, 2]);
  await store.trimJournal(0);
  const again = store.reopen();
  const [third] = await again.commit({ forgetWorkers: ['b'], journal: [entry('three')] });
  expect(third?.cursor).toBe(3);
  const snapshot = await again.load();
  expect(snapshot.workers).toEqual([worker('a')]);
  expect(snapshot.values).toEqual({ applied: { x: 1 } });
  expect(await again.journal({ afterCursor: 2, worker: 'a', limit: 5 })).toEqual([{ ...entry('three'), cursor: 3 }]);
});

test('a failed commit leaves nothing behind, and the one after it is good', async () => {
  const inner = memoryStore();
  const store = failingStore(inner);
  store.failNext('io');
  await expect(store.commit({ workers: [worker('a')] })).rejects.toMatchObject({ code: 'io', name: 'StoreFailure' });
  store.full();
  await expect(store.commit({ workers: [worker('a')] })).rejects.toMatchObject({ code: 'full' });
  expect((await inner.load()).workers).toEqual([]);
  store.full(false);
  await store.commit({ workers: [worker('a')] });
  expect((await inner.load()).workers).toHaveLength(1);
});

test('a death at a commit: later calls never settle, and the batch is on disk only if so asked', async () => {
  for (const isDone of [false, true]) {
    const inner = memoryStore();
    const store = failingStore(inner);
    store.dieAfter(1, isDone);
    await store.commit({ workers: [worker('a')] });
    let hasSettled = false;
    const settle = (): void => {
      hasSettled = true;
    };
    store.commit({ workers: [worker('b')] }).then(settle, settle);
    await store.died;
    store.load().then(settle, settle);
    await fakeClock().settle();
    expect(hasSettled).toBe(false);
    expect((await inner.load()).workers).toHaveLength(isDone ? 2 : 1);
  }
});

test('a slow store commits once the clock has gone on', async () => {
  const clock = fakeClock();
  const inner = memoryStore();
  const store = failingStore(inner, (ms) => clock.sleep(ms));
  store.slow(500);
  const committing = store.commit({ workers: [worker('a')] });
  await clock.advance(499);
  expect((await inner.load()).workers).toEqual([]);
  await clock.advance(1);
  await committing;
  expect((await inner.load()).workers).toHaveLength(1);
});
