import { describe, expect, it } from 'vitest';
import type { Supervisor } from '../../src/supervise/index.ts';
import type { Declared } from './host.ts';
import { Random } from './random.ts';
import type { Behaviour, Real } from './real.ts';
import type { Request } from './requests.ts';
import { World } from './world.ts';

// The interleavings in which agents are known to start things twice, or to lose them. What must always hold is looked at after every step of them.

const worker = (name: string, runtime: string | readonly string[] = 'docker', more: object = {}): Declared => ({
  name,
  written: { runtime, command: ['run'], secrets: { env: { TOKEN: 'file:/host/token' } }, dependsOn: {}, ...more },
});
const crashes: Behaviour = { exit: { afterMs: 50, code: 1 }, failsToPrepare: false, failsToStart: false, ignoresSignals: false };

interface Given {
  readonly workers?: readonly Declared[];
  readonly behaviours?: ReadonlyMap<string, Behaviour>;
  readonly seed?: number;
}

function worldOf({ workers = [worker('w0')], behaviours = new Map(), seed = 1 }: Given = {}): World {
  const world = new World({ workers, behaviours, random: new Random(seed), slots: { total: 4, engine: 4, process: 4 }, apply: 'manual' });
  world.boot();
  return world;
}

const asked = (world: World, method: string) => [...world.docker.requests, ...world.native.requests].find((one) => one.method === method);
const carriedOut = async (world: World, method: string): Promise<void> => {
  await world.until(() => asked(world, method) !== undefined);
  world.stepRequest(asked(world, method)!);
  await world.settle();
};
const all = (world: World): readonly Real[] => world.engines.flatMap(({ instances }) => [...instances.values()]);
const running = (world: World): readonly string[] => all(world).flatMap(({ is, ref }) => (is === 'running' ? [`${ref.worker}/${ref.instance}`] : []));
const isRunning = (world: World): boolean => world.agent?.crew.get('w0')?.life.phase === 'running';

/** All goes on but this one. */
async function untilBut(world: World, late: Request, isTrue: () => boolean): Promise<void> {
  for (let step = 0; !isTrue(); step++) {
    if (step > 3000) throw new Error('it never came to that');
    const [other] = world.steppable().filter((one) => one !== late);
    if (world.timeline.hasTurns()) world.timeline.turn();
    else if (world.disk.hasWork()) world.stepDisk();
    else if (other !== undefined) world.stepRequest(other);
    else world.timeline.advance();
    await world.settle();
  }
}

/** Some of what an engine does is chance: whether an aborted call is carried out after all. */
const seeds = [1, 2, 3, 4, 5, 6, 7, 8];

describe('at most one instance, and it is kept, when', () => {
  it('the agent dies between the start and its answer, and the list hangs as the next one comes', async () => {
    const world = worldOf();
    await carriedOut(world, 'start');
    const [first] = running(world);
    world.docker.isFrozen = true;
    world.die();
    await world.pass(20_000);
    expect(running(world)).toEqual([first]);
    world.heal();
    await world.comeTrue();
    expect(running(world)).toEqual([first]);
  });

  it.each(seeds)('a start is given up on a frozen engine, its instance is seen gone, and the engine thaws (seed %i)', async (seed) => {
    const world = worldOf({ seed });
    await world.until(() => asked(world, 'start') !== undefined);
    world.docker.isFrozen = true;
    await world.pass(95_000);
    expect(world.agent?.crew.get('w0')?.life.phase).not.toBe('running');
    world.docker.isFrozen = false;
    // The look comes before the late start.
    const late = world.docker.requests.find(({ method }) => method === 'start');
    await world.until(() => world.docker.requests.every((one) => one === late || one.method === 'start') || isRunning(world));
    await world.comeTrue();
    expect(running(world)).toHaveLength(1);
  });

  const wishes: readonly (readonly [string, (world: World) => void])[] = [
    ['is held, and started by somebody', (world) => void world.agent!.crew.get('w0')!.send({ type: 'start', by: 'user', cause: 'user' })],
    [
      'is changed while it is held',
      (world) => {
        world.file.edit('w0');
        world.user.apply(world.agent!);
        void world.agent!.crew.get('w0')!.send({ type: 'start', by: 'user', cause: 'user' });
      },
    ],
  ];
  it.each(wishes.flatMap(([what, wish]) => seeds.map((seed) => [what, seed, wish] as const)))(
    'a worker whose start was given up %s, and what was given up is carried out at last (seed %i)',
    async (_, seed, wish) => {
      const world = worldOf({ seed });
      await world.until(() => asked(world, 'start') !== undefined);
      const late = asked(world, 'start')!;
      world.docker.isFrozen = true;
      await world.pass(95_000);
      void world.agent!.crew.get('w0')!.send({ type: 'hold', by: 'user', cause: 'held' });
      world.docker.isFrozen = false;
      const others = () => world.docker.requests.filter((one) => one !== late);
      const untilAt = async (isTrue: () => boolean): Promise<void> => {
        for (let step = 0; !isTrue() && step < 500; step++) {
          if (world.timeline.hasTurns()) world.timeline.turn();
          else if (world.disk.hasWork()) world.stepDisk();
          else if (others()[0] !== undefined) world.stepRequest(others()[0]!);
          else world.timeline.advance();
          await world.settle();
        }
      };
      await untilAt(() => world.agent?.crew.get('w0')?.life.phase === 'idle');
      wish(world);
      await untilAt(() => isRunning(world));
      if (world.docker.requests.includes(late)) world.stepRequest(late);
      await world.settle();
      await world.comeTrue();
      expect(running(world)).toHaveLength(1);
    },
  );

  it('a worker ends by itself while its stop hangs, and somebody starts it meanwhile', async () => {
    const world = worldOf();
    await world.comeTrue();
    const before = running(world);
    void world.agent!.crew.get('w0')!.send({ type: 'hold', by: 'user', cause: 'held' });
    await world.until(() => asked(world, 'stop') !== undefined);
    world.docker.isFrozen = true;
    world.docker.end(all(world)[0]!, { code: 0, signal: null });
    void world.agent!.crew.get('w0')!.send({ type: 'start', by: 'user', cause: 'user' });
    await world.pass(3000);
    world.heal();
    await world.comeTrue();
    expect(running(world)).toHaveLength(1);
    expect(running(world)).not.toEqual(before);
  });

  it('Docker comes up before its disk is mounted, and what it had returns later', async () => {
    const world = worldOf();
    await world.comeTrue();
    const before = running(world);
    world.docker.store = 'the bare mount point';
    world.die();
    await world.pass(120_000);
    expect(all(world)).toHaveLength(1);
    expect(world.agent?.crew.get('w0')?.life.blind?.reason).toContain('another store');
    world.docker.store = 'docker-store-1';
    await world.comeTrue();
    expect(running(world)).toEqual(before);
  });

  it('the store is lost, and what Docker still has is found while an apply is under way that did not know of it', async () => {
    const world = worldOf({ workers: [worker('w0'), worker('w1', 'native')] });
    await world.comeTrue();
    world.docker.isDown = true;
    for (const real of world.docker.here()) world.docker.end(real, { code: 137, signal: null });
    world.loseStore();
    await world.until(() => world.native.requests.some(({ method, done }) => method === 'list' && done !== null));
    world.native.isFrozen = true;
    // The plan is made but for what w1 is.
    await world.until(() => asked(world, 'resolve')?.engine === world.native);
    world.docker.isDown = false;
    await world.until(() => isRunning(world));
    expect(world.native.requests.some(({ method }) => method === 'resolve')).toBe(true);
    world.native.isFrozen = false;
    await world.comeTrue();
    expect(running(world)).toHaveLength(2);
    expect(world.disk.generations.get('w0/1')?.artifact.digest).toBe('sha256:1');
  });

  it('the store is lost, and Docker still has one that was made and never started, older than the one that runs', async () => {
    const world = worldOf();
    await world.comeTrue();
    const [first] = world.docker.here();
    world.docker.end(first!, { code: 137, signal: null });
    await world.comeTrue();
    const before = running(world);
    // As a power failure leaves it, which its engine had not written down yet.
    Object.assign(first!, { is: 'created', exit: null });
    world.loseStore();
    await world.comeTrue();
    expect(before).toHaveLength(1);
    expect(running(world)).toEqual(before);
  });

  it('the store is lost, and the clock is set while the other engine cannot be listed: what a found schedule missed is told once', async () => {
    const schedule = { cron: '* * * * *', timezone: 'UTC', missed: 'skip' };
    const world = worldOf({ workers: [worker('w0', 'native', { schedule }), worker('w1')] });
    await world.comeTrue();
    await world.pass(25_000);
    world.docker.isFrozen = true;
    world.loseStore();
    await world.until(() => world.agent?.crew.get('w0') !== undefined);
    world.native.isDown = true;
    await world.pass(3000);
    world.timeline.jump(600_000);
    world.heal();
    await world.comeTrue();
    await world.pass(30_000);
    expect(world.disk.journal.filter(({ worker, text }) => worker === 'w0' && text.includes('runs were missed'))).toHaveLength(1);
  });

  it.each([
    ['is removed', (one: Supervisor) => one.life.want === 'removed'],
    ['is removed and forgotten', (one: Supervisor, world: World) => one.isForgotten && world.disk.hasWork()],
  ])(
    'the store is lost, and what runs of a worker is found just as that %s: it is stopped and taken away, by the next apply at the latest',
    async (_, isThen) => {
      const world = worldOf({ workers: [worker('w0'), worker('w1', 'native')] });
      await world.comeTrue();
      world.docker.isFrozen = true;
      world.loseStore();
      await world.until(() => world.agent?.isUp === true && world.agent.crew.get('w0')?.life.phase === 'waiting');
      const list = () => world.docker.requests.find(({ method, owner, isAbandoned }) => method === 'list' && owner === world.agent!.owner && !isAbandoned);
      await world.until(() => list() !== undefined);
      const found = list()!;
      world.file.remove('w0');
      world.user.apply(world.agent!);
      await world.until(() => isThen(world.agent!.crew.get('w0')!, world));
      while (world.docker.requests.includes(found)) {
        world.stepRequest(found);
        await world.settle();
      }
      world.docker.isFrozen = false;
      await world.comeTrue();
      world.user.apply(world.agent!);
      await world.comeToRest();
      expect([all(world).filter(({ ref }) => ref.worker === 'w0'), world.agent!.crew.get('w0')]).toEqual([[], undefined]);
    },
  );

  it('the store is lost in a run whose schedule was edited since: that run ends in the time that the present one gives it', async () => {
    const schedule = { cron: '* * * * *', timezone: 'UTC', timeout: '30s' };
    const world = worldOf({ workers: [worker('w0', 'native', { schedule, restart: 'never' }), worker('w1')] });
    await world.comeTrue();
    await world.until(() => isRunning(world));
    const [run] = running(world).filter((key) => key.startsWith('w0'));
    world.loseStore('w0');
    await world.comeTrue();
    expect([running(world).includes(run!), world.agent!.crew.get('w0')!.generation(1)]).toEqual([true, null]);
    await world.pass(32_000);
    expect(running(world)).not.toContain(run);
  });

  it('a worker may run on Docker or natively, and Docker is late as the host comes up', async () => {
    const world = worldOf({ workers: [worker('w0', ['docker', 'native'])] });
    world.docker.isDown = true;
    await world.pass(60_000);
    expect(all(world)).toEqual([]);
    world.docker.isDown = false;
    await world.comeTrue();
    world.docker.isDown = true;
    world.reboot();
    await world.pass(60_000);
    world.docker.isDown = false;
    await world.comeTrue();
    expect(running(world)).toHaveLength(1);
    expect(world.native.instances.size).toBe(0);
  });

  it.each(seeds)('the host sleeps while calls are under way, and all deadlines have passed as it wakes (seed %i)', async (seed) => {
    const world = worldOf({ seed, workers: [worker('w0'), worker('w1', 'native'), worker('w2')] });
    await world.until(() => asked(world, 'start') !== undefined);
    world.timeline.suspend(120_000);
    // Timers first: the answers come too late.
    while (world.timeline.advance(world.timeline.nowMs)) await world.settle();
    await world.comeTrue();
    expect(running(world)).toHaveLength(3);
  });

  it('a worker has moved to another runtime when the time of its start there is up, whose instance was seen to end before that was answered', async () => {
    const world = worldOf();
    await world.comeTrue();
    const one = world.agent!.crew.get('w0')!;
    // Its time is up when its engine is not asked anyway.
    await world.pass(3000);
    void one.send({ type: 'restart', by: 'user', cause: 'restart' });
    await carriedOut(world, 'start');
    const late = asked(world, 'start')!;
    world.docker.isFrozen = true;
    await untilBut(world, late, () => one.life.blind !== null);
    world.file.edit('w0');
    world.user.apply(world.agent!);
    await untilBut(world, late, () => one.generation()?.runtime === 'native');
    world.docker.end(all(world).find(({ is }) => is === 'running')!, { code: 1, signal: null });
    world.docker.isFrozen = false;
    await untilBut(world, late, () => isRunning(world) && one.runtimeName() === 'native');
    await untilBut(world, late, () => late.isAbandoned);
    // It is docker that may be away.
    expect(asked(world, 'ping')?.engine).toBe(world.docker);
    await world.comeTrue();
    expect(running(world)).toHaveLength(1);
  });

  it('the disk is full between the intent and the result of a worker that crashes again and again, and has room when the next agent comes', async () => {
    const world = worldOf({ behaviours: new Map([['w0', crashes]]) });
    await world.until(() => (world.agent?.crew.get('w0')?.life.failures ?? 0) >= 3 && asked(world, 'start') !== undefined);
    world.disk.isFull = true;
    await world.pass(30_000);
    world.die();
    await world.pass(5000);
    world.disk.isFull = false;
    await world.comeTrue();
    expect(['backoff', 'running']).toContain(world.agent?.crew.get('w0')?.life.phase);
  });

  it('the call of an agent that is no more is carried out while the next one adopts, and the file goes back and forth', async () => {
    const world = worldOf();
    await world.comeTrue();
    world.file.edit('w0');
    world.user.apply(world.agent!);
    await world.until(() => asked(world, 'start') !== undefined);
    const late = asked(world, 'start')!;
    world.die();
    await world.until(() => world.agent?.isUp === true && world.docker.requests.every((one) => one === late || one.owner === world.agent?.owner));
    world.file.edit('w0');
    world.user.apply(world.agent!);
    if (world.docker.requests.includes(late)) world.stepRequest(late);
    await world.comeTrue();
    expect(running(world)).toHaveLength(1);
  });

  it('the next run of a schedule is due while those that were missed are still being written down: none is told after a later one', async () => {
    const schedule = { cron: '* * * * *', timezone: 'UTC', overlap: 'queue' };
    const world = worldOf({ workers: [worker('w0', 'native', { schedule })], behaviours: new Map([['w0', { ...crashes, exit: { afterMs: 50, code: 0 } }]]) });
    await world.comeTrue();
    world.leaveAlone(70_000);
    const lastDueAt = world.disk.workers.get('w0')!.lastDueAt;
    const life = () => world.agent?.crew.get('w0')?.life;
    await world.until(() => life() !== undefined && life()!.lastDueAt !== lastDueAt);
    const told = life()!.lastDueAt;
    // The disk takes its time.
    for (let step = 0; step < 200 && life()!.lastDueAt === told; step++) {
      world.timeline.advance();
      await world.settle();
    }
    expect(Date.parse(life()!.lastDueAt!)).toBeGreaterThan(Date.parse(told!));
    await world.comeTrue();
  });

  it('the answer of a start comes when its end was already seen in the dark: it has ended, and nobody takes it over', async () => {
    const world = worldOf();
    await carriedOut(world, 'start');
    const start = asked(world, 'start')!;
    world.docker.isFrozen = true;
    const life = () => world.agent!.crew.get('w0')!.life;
    while (life().blind === null) {
      world.timeline.advance();
      await world.settle();
    }
    world.docker.end(all(world)[0]!, { code: null, signal: 'SIGKILL' });
    world.docker.isFrozen = false;
    while (life().phase === 'starting') {
      const look = asked(world, 'inspect');
      if (look === undefined) world.timeline.advance();
      else world.stepRequest(look);
      await world.settle();
    }
    world.stepRequest(start);
    await world.comeTrue();
    const told = world.disk.journal.filter(({ instance }) => instance === start.instance).map(({ type }) => type);
    expect(told).not.toContain('worker.adopted');
  });

  it('the clock is set back by an hour while a worker waits for its next try, and its engine comes and goes: it waits for no longer than its rule says', async () => {
    const backoff = { first: '1s', min: '1s', max: '2s', jitter: 0 };
    const world = worldOf({ workers: [worker('w0', 'docker', { restart: { backoff } })], behaviours: new Map([['w0', crashes]]) });
    const life = () => world.agent!.crew.get('w0')!.life;
    await world.until(() => world.agent?.crew.get('w0') !== undefined && life().phase === 'backoff' && life().failures > 2);
    const { epoch } = life();
    world.timeline.jump(-3_600_000);
    world.isClockSet = true;
    for (let second = 0; second < 6 && life().epoch === epoch; second++) {
      void world.agent!.crew.get('w0')!.send({ type: 'blind', runtime: 'docker', reason: 'it does not answer' });
      void world.agent!.crew.get('w0')!.send({ type: 'sighted' });
      await world.pass(1000);
    }
    expect(life().epoch).toBeGreaterThan(epoch);
  });
});

describe('what was found after the store was lost, on an engine that came up after the host file was applied,', () => {
  const lateEngine = async (edit: (world: World) => void, edited: string | null): Promise<World> => {
    const world = worldOf({ workers: [worker('w0'), worker('w1', 'native')] });
    await world.comeTrue();
    edit(world);
    await world.comeTrue();
    world.docker.goDown(false);
    world.loseStore(edited);
    await world.until(() => world.agent?.isUp === true);
    world.docker.isDown = false;
    await world.comeTrue();
    return world;
  };

  it('is replaced where it is of another definition, though that had the same counter', async () => {
    const world = await lateEngine(() => {}, 'w0');
    const { life, generations } = world.agent!.crew.get('w0')!;
    const real = all(world).find(({ ref, is }) => ref.worker === 'w0' && is === 'running')!;
    expect(real.ref.generation.split('-')[1]).toBe(generations.find(({ counter }) => counter === life.generation)!.digest);
  });

  it('runs on where it is of the same definition, though that had another counter', async () => {
    const world = await lateEngine((at) => {
      at.file.mayMove = false;
      at.file.edit('w0');
      at.user.apply(at.agent!);
    }, null);
    expect(world.disk.journal.filter(({ type, worker: of }) => type === 'worker.stopped' && of === 'w0')).toEqual([]);
    expect(all(world).find(({ ref, is }) => ref.worker === 'w0' && is === 'running')?.ref.generation).toMatch(/^2-/);
    expect(world.agent!.crew.get('w0')!.life.generation).toBe(1);
  });
});

it.each(seeds)('a worker whose start may be carried out late is not forgotten before (seed %i)', async (seed) => {
  const world = worldOf({ seed, workers: [worker('w0'), worker('w1', 'native')] });
  await world.until(() => asked(world, 'start') !== undefined);
  const late = asked(world, 'start')!;
  world.file.remove('w0');
  world.user.apply(world.agent!);
  await untilBut(world, late, () => world.disk.workers.get('w0')?.want === 'removed');
  world.die();
  await untilBut(world, late, () => world.agent!.isUp && world.disk.workers.get('w0')?.phase === 'idle');
  await untilBut(world, late, () => !world.disk.hasWork() && !world.timeline.hasTurns());
  world.stepRequest(late);
  await world.settle();
  await world.comeTrue();
  expect(running(world).filter((one) => one.startsWith('w0'))).toEqual([]);
  expect(world.agent!.crew.get('w0')).toBeUndefined();
});

it.each(['answers', 'hangs', 'is down'])('an agent that comes while the disk is full, and whose engine %s, supervises all that it can see', async (how) => {
  const world = worldOf({ workers: [worker('w0'), worker('w1', 'native')] });
  await world.comeTrue();
  world.disk.isFull = true;
  if (how === 'hangs') world.docker.isFrozen = true;
  if (how === 'is down') world.docker.goDown(false);
  world.die();
  await world.pass(40_000);
  expect(world.agent!.isSupervising).toBe(true);
  expect(world.agent!.probes.map((watch) => watch.worker).sort()).toEqual(how === 'answers' ? ['w0', 'w1'] : ['w1']);
  world.heal();
  await world.comeTrue();
});
