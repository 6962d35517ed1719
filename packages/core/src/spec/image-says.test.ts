import { expect, test } from 'vitest';
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
