import { describe, expect, test } from 'vitest';
import { type Parts, startableOf } from './parts.ts';

const there = (want: 'run' | 'held' | 'removed') => ({ worker: 'web', life: { want } });
const parts = (...workers: readonly ReturnType<typeof there>[]) =>
  ({
    crew: { get: (name: string) => workers.find(({ worker }) => worker === name), all: () => workers },
    pending: () => new Set(),
    leftOut: (name: string) => (name === 'off' ? 'it has `enabled: false`' : null),
    hostFile: () => '/host/ostler.yaml',
    hostFileProblem: () => null,
  }) as unknown as Parts;
const caught = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};

describe('what is to be started', () => {
  test('is a worker of this host, held or not', () => {
    for (const want of ['run', 'held'] as const) expect(startableOf(parts(there(want)), 'web').worker).toBe('web');
  });
  test('is not one that is being removed: it is told what brings it back', () => {
    const error = caught(() => startableOf(parts(there('removed')), 'web'));
    expect(error).toMatchObject({
      message: expect.stringContaining('no longer in the host file, and is being removed'),
      code: 'worker-unknown',
      hint: expect.stringContaining('put it back into /host/ostler.yaml'),
    });
  });
  test('is not one that the host file leaves out: it is told why', () => {
    expect(caught(() => startableOf(parts(there('run')), 'off'))).toMatchObject({
      message: 'the worker off is in the host file, but does not run here: it has `enabled: false`',
      hint: expect.stringContaining('/host/ostler.yaml'),
    });
  });
  test('is not one that nobody knows', () => {
    expect(caught(() => startableOf(parts(there('run')), 'wbe'))).toMatchObject({ code: 'worker-unknown', hint: expect.stringContaining('did you mean web?') });
  });
});
