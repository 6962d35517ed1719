import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { callFor } from '../fixtures/scripted-engine.ts';
import { withHeartbeat } from './heartbeat.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const beat = { everyMs: 20_000, longestMs: 60_000 };
function silent(ask: () => Promise<unknown>) {
  const notes: string[] = [];
  const work = Promise.withResolvers<string>();
  let heard = (): void => {};
  const call = { ...callFor(1e6, new AbortController().signal), progress: (note: string) => void notes.push(note) };
  const done = withHeartbeat(
    ask,
    call,
    (tell) => {
      heard = tell;
      return work.promise;
    },
    beat,
  );
  return { notes, work, done, heard: () => heard() };
}

test('silent work is progress while the engine answers, for a bounded time; what is heard sets it back', async () => {
  const { notes, work, done, heard } = silent(() => Promise.resolve());
  await vi.advanceTimersByTimeAsync(200_000);
  expect(notes).toEqual(['nothing was printed for 20 s', 'nothing was printed for 40 s', 'nothing was printed for 60 s']);
  heard();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(notes).toHaveLength(4);
  work.resolve('done');
  expect(await done).toBe('done');
  await vi.advanceTimersByTimeAsync(200_000);
  expect(notes).toHaveLength(4);
});

test('an engine that fails or never answers gives no progress', async () => {
  const failing = silent(() => Promise.reject(new Error('down')));
  const hung = silent(() => new Promise(() => {}));
  await vi.advanceTimersByTimeAsync(60_000);
  expect([failing.notes, hung.notes]).toEqual([[], []]);
  for (const one of [failing, hung]) one.work.resolve('');
  await Promise.all([failing.done, hung.done]);
});
