import { expect, test } from 'vitest';
import { workerRecord } from '../store/fixtures/sample.ts';
import type { JournalEntry, JournalRecord } from '../store/index.ts';
import { entries, type WhyState, why, whyText } from './index.ts';

let minute = 0;
const time = (n: number) => new Date(Date.UTC(2026, 0, 2, 3, n)).toISOString();
const of = (worker = 'api') => ({ at: time(minute++), worker, instance: null });

function recorded(build: () => JournalEntry[]): JournalRecord[] {
  minute = 0;
  return build().map((entry, i) => ({ ...entry, cursor: i + 1 }));
}

function crash(n: number, code = 1): JournalEntry[] {
  return [
    entries['worker.starting'](of(), { generation: 1, cause: 'it exited' }),
    entries['worker.started'](of(), { pid: 100 + n, tookMs: 10 + n }),
    entries['worker.exited'](of(), { code, signal: null, oom: 'no', evidence: 'holder', afterMs: 1000 + n, lastLines: [`Error ${n}`] }),
    entries['worker.backoff'](of(), { delayMs: 1000 * n, failures: n, nextTryAt: time(minute + 1) }),
  ];
}

const nothing: WhyState = {
  ...{ at: time(60), worker: null, state: 'unknown', rules: null, runtime: null, blind: null, startCause: null, unresolved: null, pid: null },
  ...{ startedAt: null, memoryLimitBytes: null, nextDueAt: null, waitsFor: null, isPending: false },
};
const count = (n: number, make: (i: number) => JournalEntry[]) => Array.from({ length: n }, (_, i) => make(i + 1)).flat();

test('repeated crashes are told once, the newest of them, with how often and when before', () => {
  const records = recorded(() => [entries['worker.declared'](of(), { generation: 1, runtime: 'native' }), ...count(13, (n) => crash(n))]);
  const report = why('api', records, nothing);
  expect(report.entries.map((e) => e.what)).toEqual(['worker.declared', 'worker.starting', 'worker.started', 'worker.exited', 'worker.backoff']);
  expect(report.entries[1]!.before).toEqual({ steps: 4, times: 12, firstAt: time(1), lastAt: time(45) });
  expect(report.entries[3]).toMatchObject({ evidence: 'holder', lastLines: ['Error 13'], text: expect.stringContaining('code 1') });
  expect(report.entries[4]!.nextTryAt).toBe(records.at(-1)!.at.replace('03:52', '03:54'));
  expect(report.entries.at(-1)!.cursor).toBe(records.at(-1)!.cursor);
});

test('crashes of different kinds, and what a person did in between, are not folded into one', () => {
  const records = recorded(() => [
    ...count(3, (n) => crash(n, 1)),
    entries['worker.held'](of(), { by: 'user' }),
    entries['worker.released'](of(), { by: 'user' }),
    ...count(2, (n) => crash(n, 2)),
  ]);
  const report = why('api', records, nothing);
  expect(report.entries.map((e) => e.before?.times ?? 0)).toEqual([2, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
  const told = report.entries.length + report.entries.reduce((sum, e) => sum + (e.before ? e.before.steps * e.before.times : 0), 0);
  expect(told).toBe(records.length);
});

test('only what concerns the worker is told: its own entries and the agent’s starts since it is known', () => {
  const records = recorded(() => [
    entries['agent.started'](time(0), { version: '1', pid: 1, hostFile: null, adopted: 0 }),
    entries['worker.declared'](of(), { generation: 1, runtime: 'native' }),
    entries['worker.declared'](of('db'), { generation: 1, runtime: 'native' }),
    entries['loop.stalled'](time(5), { ms: 1000, during: null }),
    entries['agent.started'](time(6), { version: '1', pid: 2, hostFile: null, adopted: 2 }),
  ]);
  expect(why('api', records, nothing).entries.map((e) => e.cursor)).toEqual([2, 5]);
  expect(why('nobody', records, nothing)).toEqual({ version: 1, worker: 'nobody', at: time(60), entries: [], now: null });
});

test('people are told the newest entries and where the others are', () => {
  const records = recorded(() => count(30, (n) => [entries['worker.changed'](of(), { from: n, to: n + 1, fields: [] }), ...crash(1, n)]));
  const report = why('api', records, nothing);
  expect(report.entries).toHaveLength(150);
  const lines = whyText(report);
  expect(lines.find((line) => line.startsWith('What happened'))).toBe('What happened, oldest first (130 earlier: ostler events --worker api):');
  expect(lines.filter((line) => /^ {2}2026-/.test(line))).toHaveLength(20);
  expect(lines.at(-1)).toContain('Waiting 1 s after 1 failure in a row');
});

test('entries that another version wrote, without what this one looks for, are told all the same', () => {
  const types = [
    'worker.exited',
    'worker.stopped',
    'worker.stopping',
    'worker.start-failed',
    'worker.unhealthy',
    'worker.skipped',
    'worker.done',
    'worker.held',
    'worker.unresolved',
  ];
  const records = types.flatMap((type, i) =>
    [null, [], { code: 'x', lastLines: 7 }].map(
      (data, n): JournalRecord => ({ cursor: 3 * i + n + 1, at: time(i), type, worker: 'api', instance: null, text: 'Old.', data }),
    ),
  );
  for (const phase of ['idle', 'waiting', 'preparing', 'starting', 'running', 'stopping', 'unresolved', 'backoff', 'done', 'failed'] as const)
    for (const want of ['run', 'held', 'removed'] as const)
      for (const health of ['none', 'bad'] as const) {
        const text = whyText(
          why('api', records, { ...nothing, worker: workerRecord('api', { phase, want, health, heldBy: want === 'held' ? 'down' : null }) }),
        ).join('\n');
        expect(text, `${phase} ${want} ${health}`).not.toMatch(/undefined|null|NaN|\[object|\.\./);
      }
});
