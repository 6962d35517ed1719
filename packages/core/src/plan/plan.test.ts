import type { Artifact } from '@ostler/sdk';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Registry } from '../spec/index.ts';
import { type Desired, makePlan, type Present, removesMuch } from './index.ts';

const registry: Registry = { runtimes: new Map([['native', { class: 'process', options: z.strictObject({}) }]]) };
const artifact: Artifact = { digest: 'sha256:1', inputs: {}, data: null };
const wants = (worker: string, over: Partial<Desired> = {}): Desired => ({
  ...{ worker, runtime: 'native', written: { command: ['a'] }, baseDir: '/h', artifact, secrets: {}, findings: [], problem: null },
  ...over,
});
const has = (worker: string, over: Partial<NonNullable<Present['generation']>> = {}): Present => ({
  worker,
  generation: { counter: 3, runtime: 'native', written: { command: ['a'] }, baseDir: '/h', artifact, secrets: {}, ...over },
  ...{ lastCounter: 3, isRunning: true, isBeingRemoved: false },
});
const kinds = (desired: readonly Desired[], present: readonly Present[]) => makePlan(desired, present, registry).map(({ worker, kind }) => `${kind} ${worker}`);

describe('a plan', () => {
  test('adds what is new, keeps what is the same and removes what is no longer named', () => {
    expect(kinds([wants('a'), wants('b')], [has('b'), has('c')])).toEqual(['add a', 'keep b', 'remove c']);
  });
  test('is empty for another way to write the same', () => {
    const before = has('a', { written: { command: 'a', stop: { grace: '1m' } } });
    expect(kinds([wants('a', { written: { command: ['a'], stop: { grace: '60s' } } })], [before])).toEqual(['keep a']);
  });
  test('names each field that changed, content and secret values included, and hides the values', () => {
    const after = wants('a', {
      written: { command: ['a'], env: { API_TOKEN: 'two' } },
      artifact: { digest: 'sha256:2', inputs: { 'app.wasm': '2' }, data: null },
      secrets: { 'file:k': 'h2' },
    });
    const before = has('a', {
      written: { command: ['a'], env: { API_TOKEN: 'one' } },
      artifact: { ...artifact, inputs: { 'app.wasm': '1' } },
      secrets: { 'file:k': 'h1' },
    });
    const [step] = makePlan([after], [before], registry);
    expect(step).toMatchObject({ kind: 'change', from: 3, to: 4, restarts: true });
    expect(step?.changes).toEqual([
      { field: 'env.API_TOKEN', before: '***', after: '***' },
      { field: 'content of app.wasm', before: '1', after: '2' },
      { field: 'value of secret file:k', before: '***', after: '***' },
    ]);
  });
  test('sees a worker that begins to tell of itself, or to tell more often, as changed; another way to write it as the same', () => {
    const told = (notify: boolean | { watchdog?: string }) => ({ command: ['a'], health: { notify } });
    const kindOf = (before: object, after: object) => kinds([wants('a', { written: after as never })], [has('a', { written: before as never })]);
    expect(kindOf({ command: ['a'] }, told(true))).toEqual(['change a']);
    expect(kindOf(told(true), told({ watchdog: '10s' }))).toEqual(['change a']);
    expect(kindOf(told(true), told({}))).toEqual(['keep a']);
    expect(kindOf(told({ watchdog: '60s' }), told({ watchdog: '1m' }))).toEqual(['keep a']);
  });
  test('refuses what its runtime refuses, but lets what is unchanged run on', () => {
    const findings = [{ level: 'refused', field: 'gpu', text: 'gpu cannot be given' }] as const;
    const steps = makePlan([wants('a', { findings }), wants('b', { findings })], [has('a')], registry);
    expect(steps.map(({ refused }) => refused)).toEqual([[], ['gpu cannot be given']]);
  });
  test('keeps a worker whose runtime, artifact and secrets cannot be asked about now', () => {
    expect(kinds([wants('a', { runtime: null, artifact: null, secrets: null, problem: 'down' })], [has('a', { secrets: { 'file:k': 'h' } })])).toEqual([
      'keep a',
    ]);
  });
  test('replaces a worker of which the store no longer knows what runs', () => {
    expect(makePlan([wants('a')], [{ ...has('a'), generation: null }], registry)[0]).toMatchObject({ kind: 'change', from: null, to: 4 });
  });
  test('counts as removing much when more than half or all would go', () => {
    const present = [has('a'), has('b'), has('c'), has('d')];
    const removing = (...left: string[]) =>
      removesMuch(
        makePlan(
          left.map((name) => wants(name)),
          present,
          registry,
        ),
        present,
      );
    expect([removing('a', 'b', 'c'), removing('a', 'b'), removing('a'), removing()]).toEqual([false, false, true, true]);
  });
});
