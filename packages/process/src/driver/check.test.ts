import type { EngineFacts, WorkerSpec } from '@ostler/sdk';
import { expect, test } from 'vitest';
import { checkProcess } from './check.ts';
import { specOf } from './fixtures/bench.ts';

const facts: EngineFacts = {
  engine: 'e',
  name: 'native',
  version: '1',
  gpus: [],
  outlives: { agent: true, engine: true },
  notes: [],
  limits: { memory: 'none', cpu: 'none', pids: 'none', gpuMemory: 'none' },
};
const tools = { setpriv: null, prlimit: null };
const check = (more: Partial<WorkerSpec>, over: Partial<EngineFacts> = {}, holder: 'sh' | 'compiled' = 'sh') =>
  checkProcess(specOf(['true'], more), { ...facts, ...over }, tools, 'native', [], holder);

test('a plain worker has no finding', () => {
  expect(check({})).toEqual([]);
});

test('a limit that cannot be held is said, not silent', () => {
  expect(check({ limits: { cpus: 1, memoryBytes: 1, memorySwapBytes: null, pids: 1 } }).map(({ level, text }) => [level, text])).toEqual([
    ['unenforced', 'limits.memory is not enforced on this host: no memory controller'],
    ['unenforced', 'limits.cpus is not enforced on this host: no cpu controller'],
    ['unenforced', 'limits.pids is not enforced on this host: no pids controller'],
  ]);
  expect(check({ noNewPrivileges: true, ulimits: { nofile: { soft: 1, hard: 1 } } }).map(({ field }) => field)).toEqual(['noNewPrivileges', 'ulimits.nofile']);
});

test('the compiled holder sets limits and privileges by itself, and hears sd_notify', () => {
  const more: Partial<WorkerSpec> = { noNewPrivileges: true, ulimits: { nofile: { soft: 1, hard: 1 } }, notify: { watchdogMs: null } };
  expect(check(more, {}, 'compiled')).toEqual([]);
  expect(check(more, {}, 'sh').map(({ level, field }) => [level, field])).toEqual([
    ['refused', 'health.notify'],
    ['unenforced', 'noNewPrivileges'],
    ['unenforced', 'ulimits.nofile'],
  ]);
});

test.each<[string, Partial<WorkerSpec>]>([
  ['image', { images: [{ name: 'x', reference: 'busybox', build: null }] }],
  ['entrypoint', { entrypoint: ['x'] }],
  ['gpu', { gpu: { count: 1, ids: [], memoryBytes: null, exclusive: false } }],
  ['readOnly', { readOnly: true }],
  ['tty', { tty: true }],
  ['ports', { ports: [{ name: 'http', port: 80, protocol: 'tcp', publish: { address: '127.0.0.1', port: 8080 } }] }],
  ['mounts', { mounts: [{ from: { volume: 'v' }, to: '/v', readOnly: false, name: null }] }],
  ['ulimits.wrong', { ulimits: { wrong: { soft: 1, hard: 1 } } }],
  ['capabilities', { more: { capabilities: ['NET_ADMIN'] } }],
  ['health.image', { imageHealth: { isAsked: true, intervalMs: null, timeoutMs: null, startPeriodMs: null, startIntervalMs: null, retries: null } }],
])('%s, which a process cannot have, is refused', (field, more) => {
  expect(check(more)).toMatchObject([{ level: 'refused', field }]);
});

test('a service that would end with the agent is refused, a job is not', () => {
  const tied = { outlives: { agent: false, engine: true }, notes: ['the agent runs in a container'] };
  expect(check({}, tied)).toMatchObject([{ level: 'refused', field: 'runtime' }]);
  expect(check({ kind: 'job' }, tied)).toEqual([]);
});
