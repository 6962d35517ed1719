import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { normalise } from './index.ts';

const options = z.strictObject({});
const registry = {
  runtimes: new Map([
    ['docker', { class: 'container' as const, options }],
    ['native', { class: 'process' as const, options }],
  ]),
};
const as = (runtime: string, more: object) => normalise({ image: 'a', command: 'b', ...more } as never, { name: 'web', runtime, baseDir: '/h', registry });

test('a signal that is not written is the image’s where there is one, and SIGTERM for a process', () => {
  const said = { docker: as('docker', {}), native: as('native', {}) };
  expect([said.docker.spec.stop, said.native.spec.stop]).toEqual([
    { signal: null, graceMs: 10_000 },
    { signal: 'SIGTERM', graceMs: 10_000 },
  ]);
  expect([said.docker.rules.stop, said.native.rules.stop]).toEqual([said.docker.spec.stop, said.native.spec.stop]);
  expect(as('docker', { stop: { signal: 'TERM', grace: '1s' } }).spec.stop).toEqual({ signal: 'SIGTERM', graceMs: 1000 });
  expect(as('docker', { container: { stop: { grace: '1s' } } }).rules.stop).toEqual({ signal: null, graceMs: 1000 });
});

test.each([
  ['TERM', 'SIGTERM'],
  ['sigrtmin+3', 'SIGRTMIN+3'],
  ['RTMAX-1', 'SIGRTMAX-1'],
])('the signal %s is %s', (written, name) => {
  expect(as('native', { stop: { signal: written } }).spec.stop.signal).toBe(name);
});

test.each(['SIGRTMIN+31', 'RT', 'TERMINATE', '15'])('%s is no signal', (written) => {
  expect(() => as('native', { stop: { signal: written } })).toThrow();
});

describe('the check of an image', () => {
  const none = { intervalMs: null, timeoutMs: null, startPeriodMs: null, startIntervalMs: null, retries: null };
  const taken = { isAsked: false, ...none };
  const said = (runtime: string, more: object) => as(runtime, more).spec.imageHealth;
  test.each<[object, object | null]>([
    [{}, taken],
    [{ health: { onUnhealthy: 'report' } }, taken],
    [{ health: { tcp: false } }, taken],
    [{ health: { timeout: '3s', startPeriod: '1m', retries: 5 } }, { ...taken, timeoutMs: 3000, startPeriodMs: 60_000, retries: 5 }],
    [{ health: { exec: 'true' } }, null],
    [{ health: { image: false } }, null],
    [{ kind: 'job' }, null],
    [{ schedule: '0 3 * * *' }, null],
    [{ health: { image: true } }, { ...taken, isAsked: true }],
    [{ health: { image: true, exec: 'true', interval: '1s' } }, { ...taken, isAsked: true, intervalMs: 1000 }],
    [
      { kind: 'job', health: { image: true } },
      { ...taken, isAsked: true },
    ],
  ])('%j', (more, counts) => {
    expect(said('docker', more)).toEqual(counts);
    expect(as('docker', more).rules.health.image).toBe(counts !== null);
    expect(as('docker', more).rules.health.probes.filter(({ kind }) => kind === 'image')).toEqual([]);
  });
  test('is none of a process, but where it is asked for, which its runtime refuses', () => {
    expect([said('native', {}), said('native', { health: { image: true } })]).toEqual([null, { ...taken, isAsked: true }]);
  });
});
