import { expect, it } from 'vitest';
import type { Declared } from './host.ts';
import { Random } from './random.ts';
import { World } from './world.ts';

// An engine that is there no more, or has another store, and what ended on it.

const worker = (name: string, runtime = 'docker', more: object = {}): Declared => ({
  name,
  written: { runtime, command: ['run'], secrets: { env: { TOKEN: 'file:/host/token' } }, dependsOn: {}, ...more },
});

async function hostOf(workers: readonly Declared[]) {
  const world = new World({ workers, behaviours: new Map(), random: new Random(1), slots: { total: 4, engine: 4, process: 4 }, apply: 'manual' });
  world.boot();
  await world.comeTrue();
  const one = () => world.agent!.crew.get('w0')!;
  return { world, one, life: () => one().life };
}
type Host = Awaited<ReturnType<typeof hostOf>>;

const hold = async ({ world, one, life }: Host): Promise<void> => {
  void one().send({ type: 'hold', by: 'user', cause: 'held' });
  await world.until(() => life().phase === 'idle');
};
const goDark = async ({ world, life }: Host): Promise<void> => {
  world.docker.goDown(true);
  await world.until(() => life().blind !== null);
};
const couldNotLook = (): never => {
  throw new Error('it could not look');
};
const start = ({ one }: Host): void => void one().send({ type: 'start', by: 'user', cause: 'user' });
const moveToNative = ({ world }: Host): void => {
  world.file.put(worker('w0', 'native'));
  world.user.apply(world.agent!);
};
const live = ({ world }: Host): readonly string[] =>
  world.engines.flatMap((engine) => engine.here().flatMap(({ is, ref, store }) => (is === 'running' && ref.worker === 'w0' ? [store] : [])));

it('what has ended is started on the store with which its engine comes up', async () => {
  const host = await hostOf([worker('w0')]);
  await hold(host);
  await goDark(host);
  host.world.replaceDocker('docker-store-2');
  host.world.docker.isDown = false;
  await host.world.pass(10_000);
  expect(host.life().blind).toBeNull();
  start(host);
  await host.world.pass(10_000);
  expect(live(host)).toEqual(['docker-store-2']);
});

it('what has ended and is moved off an engine that never comes back is started', async () => {
  const host = await hostOf([worker('w0'), worker('w1', 'native')]);
  await hold(host);
  await goDark(host);
  moveToNative(host);
  await host.world.pass(10_000);
  start(host);
  await host.world.pass(30_000);
  expect(live(host)).toEqual(['native-store-1']);
});

it('the next agent starts what an earlier one left blind on an engine that never comes back', async () => {
  const host = await hostOf([worker('w0'), worker('w1', 'native')]);
  await hold(host);
  await goDark(host);
  moveToNative(host);
  await host.world.pass(10_000);
  host.world.die();
  await host.world.until(() => host.world.agent?.isUp === true);
  start(host);
  await host.world.pass(30_000);
  expect(live(host)).toEqual(['native-store-1']);
});

it('what may still run on an engine that does not answer is not started on another', async () => {
  const host = await hostOf([worker('w0'), worker('w1', 'native')]);
  host.world.docker.goDown(false);
  await host.world.until(() => host.life().blind !== null);
  moveToNative(host);
  await host.world.pass(60_000);
  expect([host.life().phase, host.world.native.here().filter(({ ref }) => ref.worker === 'w0')]).toEqual(['running', []]);
});

it('what was held while its start may still come is not started on another engine before that is known', async () => {
  const host = await hostOf([worker('w0'), worker('w1', 'native')]);
  await hold(host);
  start(host);
  await host.world.until(() => host.world.docker.requests.some(({ method }) => method === 'start'));
  host.world.docker.isFrozen = true;
  void host.one().send({ type: 'hold', by: 'user', cause: 'held' });
  await host.world.pass(95_000);
  host.world.docker.isFrozen = false;
  await host.world.until(() => host.life().phase === 'idle');
  expect(host.life().mayCome).toBe(true);
  await goDark(host);
  moveToNative(host);
  await host.world.pass(10_000);
  start(host);
  await host.world.pass(60_000);
  expect([host.life().phase, live(host)]).toEqual(['waiting', []]);
});

it('what is left on an engine that hangs delays neither the starts nor the stops of a worker that has left it', async () => {
  const host = await hostOf([worker('w0'), worker('w1', 'native')]);
  const { world, one, life } = host;
  const restart = async (): Promise<number> => {
    const { nowMs } = world.timeline;
    const { instance } = life();
    void one().send({ type: 'restart', by: 'user', cause: 'restart' });
    await world.until(() => life().phase === 'running' && life().instance !== instance);
    return world.timeline.nowMs - nowMs;
  };
  for (let time = 0; time < 4; time += 1) await restart();
  moveToNative(host);
  await world.until(() => life().phase === 'running' && one().runtimeName() === 'native');
  await world.comeToRest();
  world.docker.isFrozen = true;
  const tookMs: number[] = [];
  for (let time = 0; time < 4; time += 1) tookMs.push(await restart());
  expect(Math.max(...tookMs)).toBeLessThan(1000);
  // By then it is known that it does not answer, and it is asked for nothing more.
  await world.pass(70_000);
  const failed = world.failed.get('remove');
  expect(await restart()).toBeLessThan(1000);
  await world.pass(70_000);
  expect(world.failed.get('remove')).toBe(failed);
  world.docker.isFrozen = false;
  await world.pass(10_000);
  await restart();
  await world.comeTrue();
  expect(one().instances.all()).toHaveLength(4);
});

it.each(['docker', 'native'])('what somebody starts by hand and cannot be looked at is not started a second time, on %s', async (runtime) => {
  const host = await hostOf([worker('w0'), worker('w1', 'native')]);
  const { world, life } = host;
  let isBroken = false;
  const driverOf = world.docker.driver.bind(world.docker);
  world.docker.driver = (owner) => {
    const driver = driverOf(owner);
    const inspect: typeof driver.inspect = (...asked) => {
      const found = driver.inspect(...asked);
      if (isBroken) Object.assign(world.docker.requests.at(-1)!, { act: couldNotLook });
      return found;
    };
    return { ...driver, inspect };
  };
  world.die();
  await world.comeTrue();
  await hold(host);
  world.file.put(worker('w0', runtime, { env: { EDIT: '1' } }));
  world.user.apply(world.agent!);
  await world.comeToRest();
  isBroken = true;
  world.docker.startByHand(world.docker.here().find(({ ref }) => ref.worker === 'w0')!);
  await world.until(() => life().blind !== null);
  start(host);
  await world.pass(20_000);
  expect(live(host)).toEqual(['docker-store-1']);
  isBroken = false;
  await world.comeTrue();
  expect([life().phase, live(host)]).toEqual(['running', [`${runtime}-store-1`]]);
});

it('an engine that goes down in a preparation is asked at once, and nothing is prepared again and again until it is known', async () => {
  const host = await hostOf([worker('w0'), worker('w1', 'native')]);
  const { world } = host;
  await hold(host);
  start(host);
  await world.until(() => world.docker.requests.some(({ method }) => method === 'prepare'));
  world.docker.goDown(true);
  await world.pass(10_000);
  const failed = world.disk.journal.filter(({ worker: of, type }) => of === 'w0' && type === 'worker.start-failed');
  expect(failed.length).toBeLessThan(5);
  world.docker.isDown = false;
  await world.comeTrue();
  expect(live(host)).toEqual(['docker-store-1']);
});
