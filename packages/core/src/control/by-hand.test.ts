import type { Artifact, RuntimeDriver } from '@ostler/sdk';
import { describe, expect, test } from 'vitest';
import { hostFileOf, reconcilerOf } from '../reconcile/fixtures/reconciling.ts';
import { type ScriptedHost, scriptedHost } from '../supervise/fixtures/host.ts';
import { apply, plan } from './by-hand.ts';
import type { Parts } from './parts.ts';

const never = new AbortController().signal;
const one = hostFileOf({ web: { command: ['one'] }, db: { command: ['run'] } });
const two = hostFileOf({ web: { command: ['two'] }, db: { command: ['run'] } });

/** `web` and `db` run as `one` says, `db` is held, and the file says `two` by now; from here on `hang` decides about a call of the runtime. */
async function changing(hang: 'resolve' | 'prepare') {
  const host = await scriptedHost();
  const hanging = { isIt: false, asked: Promise.withResolvers<void>() };
  const forever = (): Promise<never> => {
    hanging.asked.resolve();
    return new Promise(() => {});
  };
  const given = host.driver();
  const driver: RuntimeDriver = {
    ...given,
    resolve: async ({ command }): Promise<Artifact> => (hanging.isIt && hang === 'resolve' ? forever() : { digest: String(command), inputs: {}, data: null }),
    prepare: (...args) => (hanging.isIt && hang === 'prepare' ? forever() : given.prepare(...args)),
  };
  await host.boot(driver);
  await reconcilerOf(host).apply(one, { allowRemove: false, by: 'user' }, never);
  await host.clock.settle();
  await host.crew().get('db')!.send({ type: 'hold', by: 'user', cause: 'held' });
  await host.clock.settle();
  hanging.isIt = true;
  const pending = new Set(['web']);
  return { host, parts: partsOf(host, pending), pending, asked: hanging.asked.promise, gone: new AbortController() };
}

function partsOf(host: ScriptedHost, pending: Set<string>): Parts {
  const reconciler = reconcilerOf(host);
  return {
    ...{ crew: host.crew(), down: host.down(), reconciler, readHostFile: async () => two, pending: () => pending },
    setPending(workers: readonly string[]) {
      pending.clear();
      for (const worker of workers) pending.add(worker);
    },
  } as unknown as Parts;
}

describe('an apply that is given up, for who asked has gone or the agent ends,', () => {
  test.each(['resolve', 'prepare'] as const)('is an error and changes nothing: during %s', async (hang) => {
    const { host, parts, pending, asked, gone } = await changing(hang);
    const before = await host.journal();
    const answer = apply(parts, { release: true }, 'user', gone.signal);
    const refused = expect(answer).rejects.toMatchObject({ name: 'AbortError', message: expect.stringContaining('given up') });
    await asked;
    gone.abort();
    await refused;
    await host.clock.settle();
    expect([...pending]).toEqual(['web']);
    expect(host.crew().get('db')!.life).toMatchObject({ want: 'held' });
    expect(host.crew().get('web')!.life).toMatchObject({ generation: 1, phase: 'running' });
    expect(await host.journal()).toEqual(before);
  });

  test('is not begun when it was given up before', async () => {
    const { host, parts, pending, gone } = await changing('prepare');
    gone.abort();
    await expect(apply(parts, {}, 'user', gone.signal)).rejects.toMatchObject({ name: 'AbortError' });
    expect([...pending]).toEqual(['web']);
    expect(host.crew().get('web')!.generations).toHaveLength(1);
  });

  test('does not keep the next one from being done', async () => {
    const { host, parts, pending, asked, gone } = await changing('prepare');
    const answer = apply(parts, {}, 'user', gone.signal).catch((error: Error) => error.name);
    await asked;
    const next = parts.reconciler.apply(two, { allowRemove: false, by: 'user' }, never);
    gone.abort();
    expect(await answer).toBe('AbortError');
    expect((await next).steps.map(({ kind, worker }) => `${kind} ${worker}`)).toEqual(['keep db', 'change web']);
    expect([...pending]).toEqual(['web']);
    await host.clock.settle();
  });
});

test('a plan that is given up while its images are looked up is an error, not one that says that nothing changes', async () => {
  const { parts, asked, gone } = await changing('resolve');
  const answer = plan(parts, {}, gone.signal);
  const refused = expect(answer).rejects.toMatchObject({ name: 'AbortError' });
  await asked;
  gone.abort();
  await refused;
});
