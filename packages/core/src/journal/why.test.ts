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

const nothing: WhyState = { worker: null, restartsLeft: null };
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
  expect(why('nobody', records, nothing)).toEqual({ version: 1, worker: 'nobody', entries: [], now: null });
});

test('the present stands at the end: state, reason, next try and what is left of the budget', () => {
  const worker = workerRecord('api', { phase: 'backoff', health: 'none', reason: 'It exited with code 1.', nextTryAt: time(59), failures: 13 });
  const records = recorded(() => count(13, (n) => crash(n)));
  const report = why('api', records, { worker, restartsLeft: 2 });
  expect(report.now).toMatchObject({ state: 'backoff', nextTryAt: time(59), failuresInARow: 13, restartsLeft: 2 });
  expect(whyText(report).join('\n')).toMatchInlineSnapshot(`
    "2026-01-02T03:48:00.000Z  Starting: it exited.
                              (these 4 steps happened 12 times before, last at 2026-01-02T03:44:00.000Z)
    2026-01-02T03:49:00.000Z  Started as pid 113 in 23 ms.
    2026-01-02T03:50:00.000Z  Exited with code 1 after 1 s (said by its holder).
                              | Error 13
    2026-01-02T03:51:00.000Z  Waiting 13 s after 13 failures in a row; next try at 2026-01-02T03:53:00.000Z.
    Now: backoff since 2026-01-02T03:04:05.678Z: It exited with code 1.
         next try at 2026-01-02T03:59:00.000Z
         failures in a row: 13
         restarts left: 2"
  `);
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
});

test.each([
  [{ phase: 'running', health: 'ok' }, 'healthy'],
  [{ phase: 'running', health: 'bad' }, 'unhealthy'],
  [{ phase: 'running', health: 'none' }, 'running'],
  [{ phase: 'idle', want: 'held', heldBy: 'user' }, 'stopped'],
  [{ phase: 'failed' }, 'failed'],
] as const)('%o is called %s', (record, state) => {
  expect(why('api', [], { worker: workerRecord('api', record), restartsLeft: null }).now?.state).toBe(state);
});
