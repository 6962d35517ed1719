import type { Artifact } from '@ostler/sdk';
import { describe, expect, test } from 'vitest';
import { scriptedHost } from '../supervise/fixtures/host.ts';
import { hostFileOf, reconcilerOf } from './fixtures/reconciling.ts';

const never = new AbortController().signal;
const byHand = { allowRemove: true, by: 'user' };
const refused = { code: 'plan-refused' };

describe('a plan that was kept', () => {
  test('is refused once a worker that it adds would run something else', async () => {
    const host = await scriptedHost();
    const reconciler = reconcilerOf(host);
    const { digest } = await reconciler.plan(hostFileOf({ web: { command: ['echo', 'hello'] } }), undefined, never);
    const edited = reconciler.apply(hostFileOf({ web: { command: ['rm', '-rf', '/'] } }), { ...byHand, digest }, never);
    await expect(edited).rejects.toMatchObject(refused);
    expect(host.crew().all()).toEqual([]);
  });

  test('is refused once a worker that changes would be given what a plan does not show: a masked value, the end of a long text', async () => {
    const host = await scriptedHost();
    const reconciler = reconcilerOf(host);
    const long = `echo ${'x'.repeat(250)}`;
    const written = (token: string, end: string) => hostFileOf({ web: { shell: `${long} ${end}`, env: { API_TOKEN: token } } });
    await reconciler.apply(written('a', 'one'), byHand, never);
    const { digest, steps } = await reconciler.plan(written('b', 'two'), undefined, never);
    expect(steps).toMatchObject([{ kind: 'change' }]);
    for (const other of [written('c', 'two'), written('b', '; rm -rf /')])
      await expect(reconciler.apply(other, { ...byHand, digest }, never)).rejects.toMatchObject(refused);
  });

  test('is refused once the image or a secret of a worker that it adds is another one', async () => {
    const host = await scriptedHost();
    const given = { artifact: 'sha256:1', secret: 'hmac 1' };
    const driver = { ...host.driver(), resolve: async (): Promise<Artifact> => ({ digest: given.artifact, inputs: {}, data: null }) };
    await host.boot(driver);
    const reconciler = reconcilerOf(host, { secretVersions: async () => ({ 'file:k': given.secret }) });
    const config = hostFileOf({ web: { command: ['run'] } });
    const { digest } = await reconciler.plan(config, undefined, never);
    for (const change of [{ artifact: 'sha256:2' }, { secret: 'hmac 2' }]) {
      const before = { ...given };
      Object.assign(given, change);
      await expect(reconciler.apply(config, { ...byHand, digest }, never)).rejects.toMatchObject(refused);
      Object.assign(given, before);
    }
    await expect(reconciler.apply(config, { ...byHand, digest }, never)).resolves.toMatchObject({ digest });
  });

  test('can be applied as long as nothing has changed, also by the next agent', async () => {
    const host = await scriptedHost();
    await reconcilerOf(host).apply(hostFileOf({ web: { command: ['one'] }, db: { command: ['run'] } }), byHand, never);
    await host.clock.settle();
    const config = hostFileOf({ web: { command: ['two'] }, api: { command: ['run'] }, db: { command: ['run'] } });
    const { digest } = await reconcilerOf(host).plan(config, undefined, never);
    host.die();
    await host.boot();
    const { steps } = await reconcilerOf(host).apply(config, { ...byHand, digest }, never);
    expect(steps.map(({ kind, worker }) => `${kind} ${worker}`)).toEqual(['add api', 'keep db', 'change web']);
  });
});

describe('what was applied', () => {
  const both = hostFileOf({ web: { command: ['run'] }, db: { command: ['run'] } });

  test('is remembered only once all of it is persisted: a first apply that is cut short anywhere is no apply to the next agent', async () => {
    for (let commits = 0; ; commits += 1) {
      const host = await scriptedHost();
      host.faults.dieAfter(commits);
      let isDone = false;
      void reconcilerOf(host)
        .apply(both, byHand, never)
        .then(() => {
          isDone = true;
        });
      await host.clock.settle();
      host.die();
      const { values, workers } = await host.stored();
      const told = (await host.journal()).filter(({ type }) => type === 'plan.applied');
      if (values['applied'] !== undefined || told.length > 0) expect(workers.map(({ worker }) => worker).sort(), `${commits} commits`).toEqual(['db', 'web']);
      if (isDone) {
        expect(values['applied']).toMatchObject({ hostFile: '/host/ostler.yaml' });
        expect(told).toHaveLength(1);
        expect(commits).toBeGreaterThan(2);
        return;
      }
    }
  });

  test('is gone on with where it was cut short when the next agent applies it again', async () => {
    const host = await scriptedHost();
    host.faults.dieAfter(2);
    void reconcilerOf(host).apply(both, byHand, never);
    await host.clock.settle();
    host.die();
    expect((await host.stored()).values['applied']).toBeUndefined();
    await host.boot();
    const { steps } = await reconcilerOf(host).apply(both, byHand, never);
    expect(steps.some(({ kind }) => kind === 'add')).toBe(true);
    const { values, workers } = await host.stored();
    expect(values['applied']).toBeDefined();
    expect(workers).toHaveLength(2);
  });

  test('is begun on no full disk: it fails with nothing touched', async () => {
    const host = await scriptedHost();
    host.faults.full();
    await expect(reconcilerOf(host).apply(both, byHand, never)).rejects.toMatchObject({ code: 'full' });
    host.faults.full(false);
    expect(host.crew().all()).toEqual([]);
    expect((await host.stored()).workers).toEqual([]);
  });

  test('is remembered once there is room again where the disk filled while it was done', async () => {
    const host = await scriptedHost();
    host.faults.slow(10);
    let isDone = false;
    const done = reconcilerOf(host)
      .apply(both, byHand, never)
      .then(() => {
        isDone = true;
      });
    await host.clock.advance(25);
    host.faults.slow(0);
    host.faults.full();
    await host.clock.advance(5000);
    expect(isDone).toBe(false);
    host.faults.full(false);
    await host.clock.advance(5000);
    await done;
    expect((await host.stored()).values['applied']).toBeDefined();
  });

  test('is not remembered when the agent ends before all of it is persisted', async () => {
    const host = await scriptedHost();
    const ended = new AbortController();
    host.faults.slow(1000);
    const done = expect(reconcilerOf(host).apply(both, byHand, ended.signal)).rejects.toMatchObject({ name: 'AbortError' });
    await host.clock.settle();
    await host.clock.advance(1000);
    host.faults.full();
    ended.abort();
    void host.crew().close();
    await host.clock.advance(1100);
    host.faults.full(false);
    await host.clock.advance(10_000);
    await done;
    expect((await host.stored()).values['applied']).toBeUndefined();
    expect((await host.journal()).filter(({ type }) => type === 'plan.applied')).toEqual([]);
  });
});
