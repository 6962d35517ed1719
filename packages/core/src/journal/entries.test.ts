import { expect, test } from 'vitest';
import { type EntryType, entries } from './index.ts';

const at = '2026-01-02T03:04:05.000Z';
const w = { at, worker: 'api', instance: 'k3' };
const exit = { code: 1, signal: null, oom: 'no', evidence: 'holder', afterMs: 4500 } as const;

/** One of each type: a new type does not compile until it is here. */
const samples = {
  'agent.started': entries['agent.started'](at, { version: '0.1.0', pid: 12, hostFile: '/srv/ostler.yaml', adopted: 1 }),
  'agent.stopped': entries['agent.stopped'](at, { cause: 'SIGTERM', workers: 'left running' }),
  'store.set-aside': entries['store.set-aside'](at, { path: '/d/state.db.damaged-1', why: 'file is not a database' }),
  'plan.applied': entries['plan.applied'](at, { steps: 2, by: 'user', changed: ['api', 'db'] }),
  'plugin.failed': entries['plugin.failed'](at, { plugin: 'acme', what: 'setup', message: 'no answer within 30 s.' }),
  'runtime.down': entries['runtime.down'](at, { runtime: 'docker', message: 'connection refused.' }),
  'runtime.up': entries['runtime.up'](at, { runtime: 'docker', afterMs: 300_000 }),
  'journal.trimmed': entries['journal.trimmed'](at, { dropped: 1, keepEntries: 20_000, keepDays: 30 }),
  'journal.gap': entries['journal.gap'](at, { from: 6, through: 1200 }),
  'loop.stalled': entries['loop.stalled'](at, { ms: 2500, during: 'the plugin acme' }),
  'worker.declared': entries['worker.declared'](w, { generation: 1, runtime: 'native' }),
  'worker.changed': entries['worker.changed'](w, { from: 1, to: 2, fields: ['env.PORT', 'command'] }),
  'worker.removed': entries['worker.removed'](w, { by: 'apply' }),
  'worker.waiting': entries['worker.waiting'](w, { for: 'db to be healthy' }),
  'worker.preparing': entries['worker.preparing'](w, { what: null }),
  'worker.starting': entries['worker.starting'](w, { generation: 2, cause: 'it exited' }),
  'worker.started': entries['worker.started'](w, { pid: 42, tookMs: 30 }),
  'worker.adopted': entries['worker.adopted'](w, { pid: 42, generation: null }),
  'worker.start-failed': entries['worker.start-failed'](w, { code: 'timeout', outcome: 'unknown', message: 'no answer within 30 s.' }),
  'worker.exited': entries['worker.exited'](w, { ...exit, lastLines: ['Error: no'] }),
  'worker.stopping': entries['worker.stopping'](w, { cause: 'user', why: 'asked for by a user' }),
  'worker.stopped': entries['worker.stopped'](w, { cause: 'user', tookMs: 10_000, wasKilled: true }),
  'worker.backoff': entries['worker.backoff'](w, { delayMs: 8000, failures: 3, nextTryAt: at }),
  'worker.crash-looping': entries['worker.crash-looping'](w, { failures: 5, withinMs: 600_000, nextTryAt: at }),
  'worker.steady': entries['worker.steady'](w, { failures: 7, afterMs: 600_000 }),
  'worker.failed': entries['worker.failed'](w, { why: 'its 5 restarts are used up' }),
  'worker.done': entries['worker.done'](w, { code: 0, tookMs: 90_000 }),
  'worker.healthy': entries['worker.healthy'](w, { afterMs: 1200 }),
  'worker.unhealthy': entries['worker.unhealthy'](w, { evidence: 'GET http://127.0.0.1:80/ answered 503', failures: 3 }),
  'worker.signalled': entries['worker.signalled'](w, { signal: 'SIGUSR1', by: 'user' }),
  'worker.held': entries['worker.held'](w, { by: 'user' }),
  'worker.released': entries['worker.released'](w, { by: 'user' }),
  'worker.unresolved': entries['worker.unresolved'](w, { what: 'start', message: 'the call timed out.' }),
  'worker.blind': entries['worker.blind'](w, { runtime: 'docker', message: 'connection refused' }),
  'worker.seen': entries['worker.seen'](w, { afterMs: 8_000_000 }),
  'worker.left-behind': entries['worker.left-behind'](w, { processes: [{ pid: 7, command: 'sleep' }] }),
  'worker.skipped': entries['worker.skipped'](w, { dueAt: at, why: 'the last run still runs' }),
  'worker.cancelled': entries['worker.cancelled'](w, { by: 'user' }),
  'worker.secret-changed': entries['worker.secret-changed'](w, { names: ['API_KEY'] }),
  'call.stuck': entries['call.stuck'](w, { runtime: 'docker', call: 'start', afterMs: 60_000 }),
} satisfies Record<EntryType, unknown>;

test('each entry is of the type it is listed under and says one plain sentence or two', () => {
  expect(Object.keys(samples).sort()).toEqual(Object.keys(entries).sort());
  for (const [type, entry] of Object.entries(samples)) {
    expect(entry).toMatchObject({ type, at });
    expect(entry.text).toMatch(/^[A-Z].*\.$/);
    expect(entry.text).not.toMatch(/undefined|null|NaN|\[object|\.\.|: \./);
    expect(JSON.parse(JSON.stringify(entry.data))).toEqual(entry.data);
    expect(entry.worker).toBe(type.startsWith('worker.') || type === 'call.stuck' ? 'api' : null);
  }
});

test('the sentences read as they should', () => {
  expect(Object.values(samples).map(({ type, text }) => `${type}: ${text}`)).toMatchSnapshot();
});

test.each([
  [{ ...exit }, 'Exited with code 1 after 4.5 s (said by its holder).'],
  [{ ...exit, code: null, signal: 'SIGSEGV', evidence: 'engine' as const, afterMs: 3 }, 'Killed by SIGSEGV after 3 ms (said by its engine).'],
  [{ ...exit, code: 137, oom: 'main' as const, afterMs: null }, 'Exited with code 137, out of memory (said by its holder).'],
  [{ ...exit, code: null, evidence: 'none' as const, afterMs: 400_000 }, 'Ended after 7 min (nobody saw how).'],
])('an exit says how, when and who saw it: %#', (facts, text) => {
  expect(entries['worker.exited'](w, facts).text).toBe(text);
});
