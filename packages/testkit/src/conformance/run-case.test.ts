import { expect, test } from 'vitest';
import { fakeRuntime } from '../fake/fake-runtime.ts';
import { absent } from './absent.ts';
import { conformanceCases } from './cases.ts';
import { casesNamed, runCase, runConformance, verdict } from './run-case.ts';

const options = { runtime: 'fake' };
const plugin = () => fakeRuntime().plugin;
const failed = { id: 'x', line: 'y', outcome: 'failed', error: new Error('broken') } as const;

test('ids are unique, and every case quotes a line', () => {
  const ids = conformanceCases.map((one) => one.id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length).toBeGreaterThanOrEqual(32);
  for (const one of conformanceCases) expect(one.line, one.id).not.toBe('');
});

test('cases that start no process pass on the scripted runtime', async () => {
  const only = [
    'unknown-ref-is-gone',
    'stop-of-what-is-gone-is-success',
    'list-of-nothing-is-empty',
    'watch-begins-with-a-gap',
    'watch-ends-with-its-signal',
    'check-is-pure',
  ];
  const results = await runConformance(plugin, { ...options, only });
  expect(results.map(({ id, outcome }) => [id, outcome]).sort()).toEqual(only.map((id) => [id, 'passed']).sort());
});

test('a case that throws has failed, one that finds nothing to prove is absent, one that never ends fails in its time', async () => {
  const run = (one: () => Promise<void>) => runCase({ id: 'x', line: 'y', timeoutMs: 100, run: one }, plugin(), options);
  expect(await run(async () => Promise.reject(new Error('broken')))).toMatchObject({ outcome: 'failed', error: { message: 'broken' } });
  expect(await run(async () => Promise.reject(absent('no such thing')))).toMatchObject({ outcome: 'absent', why: 'no such thing' });
  expect(await run(() => new Promise(() => {}))).toMatchObject({ outcome: 'failed', error: { message: 'not within 100 ms: case x' } });
});

test('a case of a method that the driver lacks is absent', async () => {
  const [result] = await runConformance(plugin, { ...options, only: ['exec-gives-output-and-exit'] });
  expect(result).toMatchObject({ outcome: 'absent', why: 'the driver has no exec()' });
});

test('a skip that names no case is an error, and so is one whose case does not fail', () => {
  expect(() => casesNamed(['no-such-case'])).toThrow('no conformance case is named no-such-case');
  expect(() => verdict({ id: 'x', line: 'y', outcome: 'passed' }, 'reason')).toThrow('x is skipped (reason), but it passes; take it off the list');
  expect(() => verdict({ id: 'x', line: 'y', outcome: 'absent', why: 'none' }, 'reason')).toThrow('is absent');
  expect(verdict(failed, 'reason')).toEqual({ shown: 'reason' });
  expect(() => verdict(failed, undefined)).toThrow('broken');
});
