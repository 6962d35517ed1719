import { type Artifact, type RuntimeDriver, type RuntimeFailureCode, runtimeFailure } from '@ostler/sdk';
import { fakeClock } from '@ostler/testkit';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { StuckCalls } from '../base/stuck-calls.ts';
import type { Desired, Present, Step } from '../plan/index.ts';
import type { Registry } from '../spec/index.ts';
import { type PreparingAhead, prepareAhead } from './prepare-ahead.ts';

const registry: Registry = { runtimes: new Map([['docker', { class: 'container', options: z.looseObject({}) }]]) };
const artifact = (digest: string): Artifact => ({ digest, inputs: {}, data: null });
const desired = (worker: string, digest = 'new'): Desired =>
  ({
    ...{ worker, runtime: 'docker', written: { image: 'x' }, baseDir: '/', secrets: {}, findings: [], problem: null },
    artifact: artifact(digest),
  }) as Desired;
const present = (worker: string): Present => ({ worker, generation: { artifact: artifact('old') } }) as unknown as Present;
const step = (worker: string, more: Partial<Step> = {}): Step => ({ worker, kind: 'change', restarts: true, ...more }) as Step;

function scene(prepare: (worker: string) => Promise<void>) {
  const prepared: string[] = [];
  const clock = fakeClock();
  const driver: Partial<RuntimeDriver> = {
    async prepare({ spec, artifact: { digest } }) {
      prepared.push(`${spec.name} ${digest}`);
      await prepare(spec.name);
    },
  };
  const services = {
    clock,
    stuck: new StuckCalls(),
    inPlugin: (_: string, run: () => unknown) => run(),
    runtime: () => ({ name: 'docker', plugin: 'p', isUp: () => true, driver }),
  };
  const by = { services, registry, ended: new AbortController().signal } as unknown as PreparingAhead;
  return { prepared, clock, by };
}

const failing = (code: RuntimeFailureCode) => () =>
  Promise.reject(runtimeFailure({ code, outcome: 'no', retryable: true, message: 'the build of the image app failed', cause: 'its last line' }));

test('what running workers are changed to is prepared, and nothing else', async () => {
  const { prepared, by } = scene(async () => {});
  const workers = ['changed', 'same', 'stopped', 'new', 'kept', 'open'];
  const steps = [
    step('changed'),
    step('same'),
    step('stopped', { restarts: false }),
    step('new', { kind: 'add' }),
    step('kept', { kind: 'keep' }),
    step('open'),
  ];
  const digests: Readonly<Record<string, string>> = { same: 'old', open: 'unresolved' };
  await prepareAhead(
    steps,
    workers.map((name) => desired(name, digests[name])),
    workers.map(present),
    1000,
    by,
  );
  expect(prepared).toEqual(['changed new']);
});

test('one that fails ends the change, with all that was said of it', async () => {
  const { by } = scene((worker) => (worker === 'a' ? failing('build-failed')() : Promise.resolve()));
  const change = prepareAhead([step('a'), step('b')], [desired('a'), desired('b')], [present('a'), present('b')], 1000, by);
  await expect(change).rejects.toMatchObject({ code: 'change-failed', message: 'a: the build of the image app failed\nits last line' });
});

test('an engine that is down is the worker’s own to wait for', async () => {
  const { by } = scene(failing('engine-down'));
  await expect(prepareAhead([step('a')], [desired('a')], [present('a')], 1000, by)).resolves.toBeUndefined();
});

test('when the time is over first it says so, and what is being prepared goes on', async () => {
  const done = Promise.withResolvers<void>();
  const { prepared, clock, by } = scene(() => done.promise);
  const change = prepareAhead([step('a')], [desired('a')], [present('a')], 1000, by);
  const told = expect(change).rejects.toMatchObject({ code: 'not-finished-in-time', message: expect.stringContaining('nothing was changed yet') });
  await clock.advance(1001);
  await told;
  expect(prepared).toEqual(['a new']);
  done.resolve();
});
