import { expect, test } from 'vitest';
import { journalEntry } from '../store/fixtures/sample.ts';
import { bounded } from './bounded.ts';
import { entries } from './index.ts';

const of = { at: '2026-01-02T03:04:05.000Z', worker: 'api', instance: 'k3' };

test('what is of usual length is kept as it is', () => {
  const entry = entries['worker.exited'](of, { code: 1, signal: null, oom: 'no', evidence: 'holder', afterMs: 5, lastLines: ['a', 'b'] });
  expect(bounded(entry)).toEqual(entry);
});

test('no entry takes more than some kilobytes for each of its texts, whatever a driver said', () => {
  const message = `the build failed: ${'😀'.repeat(1_000_000)}`;
  const { text, data } = bounded(entries['worker.start-failed'](of, { code: 'internal', outcome: 'no', message }));
  expect(text).toHaveLength(2000);
  expect(text).toMatch(/^Could not be started: the build failed: 😀.*…$/u);
  expect(JSON.stringify(data).length).toBeLessThan(4200);
  expect(text.isWellFormed()).toBe(true);
});

test('a long list is cut and says how much is missing; what is nested without end is cut too', () => {
  const changed = Array.from({ length: 1000 }, (_, n) => `w${n}`);
  const { data } = bounded(entries['plan.applied'](of.at, { steps: 1000, by: 'up', changed }));
  expect((data as { changed: string[] }).changed.slice(-2)).toEqual(['w199', '… and 800 more']);
  let deep: object = {};
  for (let level = 0; level < 100; level += 1) deep = { deep };
  expect(JSON.stringify(bounded(journalEntry('deep', { data: deep as never })).data).length).toBeLessThan(200);
});
