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
