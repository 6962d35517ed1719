import type { Found, RuntimeDriver } from '@ostler/sdk';
import { expect, test } from 'vitest';
import { adopt } from '../boot.ts';
import { unknownArtifact } from '../spec/index.ts';
import { scriptedHost } from './fixtures/host.ts';
import { stateOf } from './state.ts';

// What an agent finds on its engine and its store does not know, since that was lost.

test('a definition that was found open and is resolved since stays resolved, however slow the disk is', async () => {
  const host = await scriptedHost();
  await host.declare('web');
  const web = host.crew().get('web')!;
  const generation = web.generation()!;
  web.learn({ ...generation, artifact: { digest: 'unknown', inputs: {}, data: null } });
  host.faults.slow(500);
  web.keepFound();
  web.pin(generation);
  await host.clock.advance(5000);
  host.die();
  expect((await host.boot()).get('web')!.generation()?.artifact.digest).toBe('sha256:1');
});

test('an answer about the instance that ended last is none about one that was found since', async () => {
  const host = await scriptedHost();
  await host.declare('web');
  const hold = { type: 'hold', by: 'user', cause: 'held' } as const;
  await host.crew().get('web')!.send(hold);
  await host.clock.settle();
  host.die();
  const answers: ((found: Found) => void)[] = [];
  await host.boot({ ...host.driver(), inspect: () => new Promise((resolve) => answers.push(resolve)) });
  const web = host.crew().get('web')!;
  void web.look();
  await host.clock.advance(1000);
  web.instances.keep([{ ...web.instances.all()[0]!, instance: 'i9', state: 'intended' }]);
  web.adoptUnknown('i9', 1);
  expect(web.life.since).toBe(host.clock.isoNow());
  answers[0]!({ is: 'gone', engine: 'engine-1' });
  await host.clock.settle();
  expect([web.life.phase, web.life.instance, answers.length]).toEqual(['unresolved', 'i9', 2]);
});

test('what was being prepared when another instance is found is given up', async () => {
  const host = await scriptedHost();
  host.die();
  let isGivenUp = false;
  const prepare: RuntimeDriver['prepare'] = (_, { signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        isGivenUp = true;
        reject(signal.reason);
      });
    });
  await host.boot({ ...host.driver(), prepare });
  await host.declare('web');
  const web = host.crew().get('web')!;
  expect(web.life.phase).toBe('preparing');
  const [generation] = web.generations;
  web.instances.keep([
    {
      ...{ worker: 'web', instance: 'i9', generation: `1-${generation!.digest}`, runtime: 'fake', state: 'intended', handle: null, engine: null },
      ...{ intendedAt: host.clock.isoNow(), startedAt: null, exit: null, stopCause: null },
    },
  ]);
  web.adoptUnknown('i9', 1);
  await host.clock.settle();
  expect([isGivenUp, web.life.phase]).toEqual([true, 'unresolved']);
});

test('one that ended out of sight is never told to run while its last lines are read', async () => {
  const host = await scriptedHost({ web: { exit: { afterMs: 10_000, code: 1 } } });
  await host.declare('web');
  host.die();
  let isRead = false;
  const driver = host.driver();
  const reading: RuntimeDriver = {
    ...driver,
    async *logs(...asked) {
      await host.clock.sleep(3000);
      isRead = true;
      yield* driver.logs(...asked);
    },
  };
  await host.boot(reading);
  host.world.isDown = true;
  await host.clock.advance(9000);
  await host.crew().get('web')!.look();
  await host.clock.advance(2000);
  host.world.isDown = false;
  const states = new Set<string>();
  for (; !isRead; await host.clock.advance(100)) states.add(stateOf(host.crew().get('web')!.life));
  await host.clock.settle();
  expect([...states]).toEqual(['unknown']);
  expect(await host.told('web')).toContain('exited');
});

test('what another agent had begun is looked at again, and is no finding once this one has begun it anew', async () => {
  const host = await scriptedHost();
  host.die();
  await host.boot({ ...host.driver(), start: () => new Promise(() => {}) });
  await host.declare('web');
  host.die();
  const driver = host.driver();
  const slow: RuntimeDriver['start'] = async (...asked) => {
    const found = await driver.start(...asked);
    await host.clock.sleep(5000);
    return found;
  };
  host.world.isDown = true;
  await host.boot({ ...driver, start: slow });
  const web = host.crew().get('web')!;
  // Fails, and is tried again in two seconds.
  await web.look();
  host.world.isDown = false;
  await web.look();
  await host.clock.advance(10_000);
  expect(host.world.live('web')).toHaveLength(1);
  expect((await host.told('web')).filter((type) => type === 'started' || type === 'adopted')).toEqual(['started']);
});

test('what an instance printed whose secrets this agent never had is not told', async () => {
  const lines = ['the token is s3cret'];
  const host = await scriptedHost({ web: { exit: { afterMs: 60_000, code: 1 }, lines } }, { TOKEN: 's3cret' });
  await host.declare('web');
  host.die();
  await host.boot();
  await host.clock.advance(61_000);
  const [ended] = (await host.journal()).filter(({ type }) => type === 'worker.exited');
  expect(ended).toBeDefined();
  expect(JSON.stringify(await host.journal())).not.toContain('s3cret');
});

test('what an instance printed whose secrets are known is told without them', async () => {
  const host = await scriptedHost({ web: { exit: { afterMs: 60_000, code: 1 }, lines: ['the token is s3cret'] } }, { TOKEN: 's3cret' });
  await host.declare('web');
  await host.clock.advance(61_000);
  const [ended] = (await host.journal()).filter(({ type }) => type === 'worker.exited');
  expect(ended?.data).toMatchObject({ lastLines: ['the token is ***'] });
});

test('what runs is told to be taken over once by each agent, also where its first look failed', async () => {
  const host = await scriptedHost();
  await host.declare('web');
  for (const failing of [1, 3]) {
    host.die();
    const driver = host.driver();
    let looks = 0;
    await host.boot({
      ...driver,
      inspect: (target, call) => {
        looks += 1;
        return looks <= failing ? Promise.reject(new Error('it could not look')) : driver.inspect(target, call);
      },
    });
    const web = host.crew().get('web')!;
    void web.look();
    await host.clock.advance(20_000);
    await web.look();
    expect(looks).toBeGreaterThan(failing);
  }
  expect((await host.told('web')).filter((type) => type === 'adopted')).toEqual(['adopted', 'adopted']);
});

test('that another runtime does not answer says nothing of a worker that has left it', async () => {
  const host = await scriptedHost();
  await host.declare('web');
  const web = host.crew().get('web')!;
  await web.send({ type: 'blind', runtime: 'other', reason: 'other does not answer' });
  expect(web.life.blind).toBeNull();
  await web.send({ type: 'blind', runtime: 'fake', reason: 'fake does not answer' });
  expect(web.life.blind?.reason).toBe('fake does not answer');
});

test('what is resolved after its worker was forgotten is written over nothing of the one that has its name since', async () => {
  const host = await scriptedHost();
  host.die();
  let answer: (() => void) | null = null;
  const late: RuntimeDriver['resolve'] = () =>
    new Promise((resolve) => {
      answer = () => resolve({ digest: 'sha256:1', inputs: {}, data: null });
    });
  await host.boot({ ...host.driver(), resolve: late });
  await host.declare('web');
  const web = host.crew().get('web')!;
  await web.send({ type: 'hold', by: 'user', cause: 'held' });
  await host.clock.settle();
  web.learn({ ...web.generation()!, artifact: unknownArtifact });
  await web.send({ type: 'start', by: 'user', cause: 'user' });
  await host.clock.settle();
  await web.send({ type: 'remove', by: 'apply' });
  await host.clock.advance(100);
  expect([host.crew().get('web'), web.isForgotten]).toEqual([undefined, true]);
  await host.declare('web', { env: { NEW: '1' } });
  answer!();
  await host.clock.advance(5000);
  host.die();
  expect((await host.boot()).get('web')!.generation()?.written).toMatchObject({ env: { NEW: '1' } });
});

test('a job that is done is not run again for what is found half-made of it, which is kept to be taken away', async () => {
  const host = await scriptedHost({ job: { exit: { afterMs: 10, code: 0 } } });
  await host.declare('job', { restart: { policy: 'on-failure' } });
  await host.clock.advance(1000);
  const job = host.crew().get('job')!;
  expect(job.life.phase).toBe('done');
  const ref = { agent: 'agent', worker: 'job', generation: '1-d1', instance: 'i0' };
  const runtime = host.crew().services.runtime('fake')!;
  const known = { getConfig: () => null, key: new Uint8Array(32) };
  await adopt(host.crew(), runtime, { engine: 'engine-1', instances: [{ ref, handle: job.instances.all()[0]!.handle!, is: 'created' }] }, known);
  await host.clock.advance(1000);
  expect([job.life.phase, host.world.starts.length]).toEqual(['done', 1]);
  expect(job.instances.get('i0')).not.toBeNull();
});
