import { fakeClock } from '@ostler/testkit';
import { expect, test } from 'vitest';
import type { HostConfig } from './config/index.ts';
import { DesiredFile } from './desired-file.ts';
import type { ApplyOptions, Plan } from './reconcile/reconciler.ts';

const config = (apply: 'manual' | 'auto', ...workers: readonly string[]) =>
  ({ agent: { apply }, workers: Object.fromEntries(workers.map((name) => [name, {}])) }) as unknown as HostConfig;
const silent = { debug() {}, info() {}, warn() {}, error() {}, close() {}, child: () => silent };
const byHand: ApplyOptions = { allowRemove: false, by: 'apply' };
const signal = new AbortController().signal;

/** A host that takes its time: each plan and apply goes on when it is let. */
function scene(saved: HostConfig | null) {
  const clock = fakeClock();
  const open: { readonly what: string; go(): void }[] = [];
  const wait = (what: string): Promise<void> => new Promise((resolve) => void open.push({ what, go: resolve }));
  let present: readonly string[] = [];
  let refusal: string | null = null;
  let file: HostConfig | Promise<HostConfig> | null = saved;
  const planOf = ({ workers }: HostConfig): Plan => {
    const names = [...new Set([...Object.keys(workers), ...present])];
    const steps = names.map((worker) => ({ worker, kind: !(worker in workers) ? 'remove' : present.includes(worker) ? 'keep' : 'add' }));
    return { steps } as unknown as Plan;
  };
  const desired = new DesiredFile({
    ...{ path: '/host.yaml', config: saved, isApplied: true, clock, log: silent, ended: signal },
    hostFile: { read: async () => file!, problem: null },
    reconciler: {
      async plan(of) {
        const plan = planOf(of);
        await wait('plan');
        return plan;
      },
      async apply(of, { workers }) {
        if (refusal !== null) throw new Error(refusal);
        await wait('apply');
        const plan = planOf(of);
        const isOther = (name: string) => workers !== undefined && !workers.includes(name);
        present = [...Object.keys(of.workers).filter((name) => !isOther(name)), ...present.filter(isOther)];
        return plan;
      },
    },
    isServing: () => true,
    beginFor: async () => {},
    onRead() {},
  });
  const turns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    desired,
    save(of: HostConfig | Promise<HostConfig>) {
      file = of;
    },
    refuse(why: string) {
      refusal = why;
    },
    open: () => open.map(({ what }) => what),
    pending: () => [...desired.pending].sort(),
    turns,
    /** Lets the first of these go on. */
    async let(what: string) {
      const at = open.findIndex((one) => one.what === what);
      open.splice(at, 1)[0]!.go();
      await turns();
    },
  };
}

test('a save that is applied while its changes are being worked out is pending no more, however late that comes to its end', async () => {
  const s = scene(config('manual'));
  s.save(config('manual', 'web'));
  void s.desired.reload();
  await s.turns();
  const applied = s.desired.apply(await s.desired.read(), byHand, signal);
  await s.turns();
  await s.let('apply');
  await applied;
  expect(s.pending()).toEqual([]);
  await s.let('plan');
  while (s.open().length > 0) await s.let('plan');
  expect(s.pending()).toEqual([]);
});

test('a save stays pending when the one before it, whose apply took longer, is applied', async () => {
  const s = scene(config('manual', 'web'));
  const applied = s.desired.apply(await s.desired.read(), byHand, signal);
  s.save(config('manual', 'web', 'db'));
  void s.desired.reload();
  await s.turns();
  await s.let('plan');
  expect(s.pending()).toEqual(['db', 'web']);
  await s.let('apply');
  await applied;
  expect(s.pending()).toContain('db');
  await s.let('plan');
  expect(s.pending()).toEqual(['db']);
});

test('what another file applied is what the saved one would change again', async () => {
  const s = scene(config('manual', 'web'));
  const applied = s.desired.apply(config('manual', 'db'), byHand, signal);
  await s.turns();
  await s.let('apply');
  await applied;
  await s.let('plan');
  expect(s.pending()).toEqual(['db', 'web']);
});

test('what is applied of the saved file is told at once and costs no plan of its own', async () => {
  const s = scene(config('manual'));
  s.save(config('manual', 'web', 'db'));
  void s.desired.reload();
  await s.turns();
  await s.let('plan');
  expect(s.pending()).toEqual(['db', 'web']);
  for (const [workers, left] of [
    [['web'], ['db']],
    [undefined, []],
  ] as const) {
    const applied = s.desired.apply(await s.desired.read(), { ...byHand, workers }, signal);
    await s.let('apply');
    await applied;
    expect([s.pending(), s.open()]).toEqual([left, []]);
  }
});

test('an apply that is refused leaves pending what the file would change', async () => {
  const s = scene(config('manual'));
  s.save(config('auto', 'web'));
  s.refuse('a port is taken');
  void s.desired.reload();
  await s.turns();
  await s.let('plan');
  expect([s.pending(), s.desired.trouble?.message]).toEqual([['web'], 'a port is taken']);
});

test('a file that could not be read says nothing of what is pending when another one is applied', async () => {
  const s = scene(null);
  const applied = s.desired.apply(config('manual', 'db'), byHand, signal);
  await s.turns();
  await s.let('apply');
  await applied;
  await s.turns();
  expect([s.pending(), s.open(), s.desired.trouble]).toEqual([[], [], null]);
});

test('of two readings at once the one that was begun last counts, whichever ends first', async () => {
  const s = scene(config('manual'));
  const [older, newer] = [config('manual', 'old'), config('manual', 'new')];
  const slow = Promise.withResolvers<HostConfig>();
  s.save(slow.promise);
  const first = s.desired.read();
  s.save(newer);
  await s.desired.read();
  slow.resolve(older);
  expect(await first).toBe(older);
  expect(s.desired.config).toBe(newer);
});
