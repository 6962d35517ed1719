import { describe, expect, test } from 'vitest';
import { scriptedHost } from './fixtures/host.ts';
import { stateOf } from './state.ts';

const hold = { type: 'hold', by: 'user', cause: 'held' } as const;

describe('a worker', () => {
  test('is started once its intent is persisted', async () => {
    const host = await scriptedHost();
    host.faults.full();
    const declared = host.declare('web').catch(() => {});
    await host.clock.advance(3000);
    expect(host.world.starts).toEqual([]);
    host.faults.full(false);
    await declared;
    await host.declare('web');
    await host.clock.advance(2000);
    expect(host.world.live('web')).toHaveLength(1);
  });
  test('comes back after a crash, slower each time, and the journal says why', async () => {
    const host = await scriptedHost({ web: { exit: { afterMs: 10, code: 3 } } });
    await host.declare('web');
    await host.clock.advance(60_000);
    const starts = host.world.starts.map(({ atMs }) => atMs);
    const gaps = starts.slice(1).map((at, index) => at - starts[index]!);
    expect(gaps.slice(0, 5)).toEqual([10, 1010, 2010, 4010, 8010]);
    expect(stateOf(host.crew().get('web')!.life)).toBe('crash-looping');
    expect((await host.journal()).find(({ type }) => type === 'worker.exited')?.text).toContain('code 3');
  });
  test('is supervised by an agent that comes while the disk is full, which is told once there is room', async () => {
    const host = await scriptedHost();
    await host.declare('web');
    host.die();
    host.faults.full();
    await host.boot();
    for (let second = 0; second < 30; second++) await host.clock.advance(1000);
    expect(host.crew().services.runtime('fake')?.isUp()).toBe(true);
    expect(host.probes).toHaveLength(1);
    host.faults.full(false);
    await host.clock.advance(5000);
    expect((await host.told('web')).at(-1)).toBe('adopted');
  });
  test('stays stopped by hand through the death of its agent, until it is started', async () => {
    const host = await scriptedHost();
    await host.declare('web');
    await host.crew().get('web')!.send(hold);
    await host.clock.settle();
    host.die();
    const crew = await host.boot();
    await host.clock.advance(60_000);
    expect(host.world.live('web')).toEqual([]);
    expect(stateOf(crew.get('web')!.life)).toBe('stopped');
    await crew.get('web')!.send({ type: 'start', by: 'user', cause: 'user' });
    await host.clock.advance(100);
    expect(host.world.live('web')).toHaveLength(1);
  });
  test('whose start got no answer is found, not started twice', async () => {
    const host = await scriptedHost({ web: [{ start: 'lost-reply' }, {}] });
    await host.declare('web');
    await host.clock.advance(10_000);
    expect(host.world.starts).toHaveLength(1);
    expect(host.crew().get('web')!.life.phase).toBe('running');
    expect(await host.told('web')).toContain('unresolved');
  });
  test('whose start is carried out late is started again under the same name only', async () => {
    const host = await scriptedHost({ web: [{ start: 'late', lateMs: 3000 }, {}] });
    await host.declare('web');
    await host.clock.advance(20_000);
    expect(new Set(host.world.starts.map(({ ref }) => ref.instance)).size).toBe(1);
    expect(host.world.live('web')).toHaveLength(1);
  });
  test('whose start was carried out, and which has ended, while it was about to be started again, is not asked for once more', async () => {
    const late = { start: 'late', lateMs: 3000, exit: { afterMs: 200, code: 0 } } as const;
    const host = await scriptedHost({ web: late }, { TOKEN: 's3cret' }, 5000);
    await host.declare('web', { restart: { policy: 'never' } });
    const web = host.crew().get('web')!;
    while (web.life.phase !== 'starting' || web.life.startCause !== 'again') await host.clock.advance(100);
    await host.clock.advance(4000);
    await web.send({ type: 'blind', runtime: 'fake', reason: 'it does not answer' });
    await web.look();
    await host.clock.advance(30_000);
    expect(host.world.calls.filter(({ method }) => method === 'start')).toHaveLength(1);
    expect(web.life.phase).toBe('done');
  });
  test('runs on unchanged when its agent dies, and is restarted for a new generation only', async () => {
    const host = await scriptedHost();
    await host.declare('web');
    const [ref] = host.world.live('web');
    host.die();
    await host.boot();
    await host.clock.advance(60_000);
    expect(host.world.live('web')).toEqual([ref]);
    await host.declare('web', { env: { A: '1' } });
    await host.clock.advance(1000);
    expect(host.world.live('web').map(({ generation }) => generation)).toEqual(['2-d2']);
    expect(host.world.instances().filter(({ is }) => is === 'running')).toHaveLength(1);
  });
  test('is left alone while its engine does not answer, and found as it is afterwards', async () => {
    const host = await scriptedHost();
    await host.declare('web');
    host.world.isDown = true;
    await host.crew().get('web')!.look();
    await host.crew().get('web')!.send(hold);
    await host.clock.advance(10_000);
    expect(stateOf(host.crew().get('web')!.life)).toBe('unknown');
    expect(host.world.calls.filter(({ method }) => method === 'stop')).toEqual([]);
    host.world.isDown = false;
    await host.clock.advance(5000);
    expect(host.world.live('web')).toEqual([]);
    expect(stateOf(host.crew().get('web')!.life)).toBe('stopped');
  });
  test('is not taken for gone when another store of its engine answers', async () => {
    const host = await scriptedHost();
    await host.declare('web');
    host.world.replaceEngine('engine-2');
    await host.clock.advance(120_000);
    expect(host.world.starts).toHaveLength(1);
    expect(stateOf(host.crew().get('web')!.life)).toBe('unknown');
  });
  test('that is unhealthy is restarted, with a cause', async () => {
    const host = await scriptedHost();
    await host.declare('web');
    host.probes[0]!.onVerdict({ health: 'bad', evidence: 'GET / answered 503', failures: 3, afterMs: null });
    await host.clock.advance(2000);
    expect(host.world.starts).toHaveLength(2);
    const journal = await host.journal();
    expect(journal.find(({ type }) => type === 'worker.stopping')?.data).toMatchObject({ cause: 'unhealthy' });
  });
  test('that is no longer in the host file is stopped and forgotten, its instances with it', async () => {
    const host = await scriptedHost();
    await host.declare('web');
    await host.crew().get('web')!.send({ type: 'remove', by: 'apply' });
    await host.clock.advance(5000);
    expect(host.crew().get('web')).toBeUndefined();
    expect(host.world.instances()).toEqual([]);
    host.die();
    expect((await host.boot()).all()).toEqual([]);
  });
  test('whose removal was cut short by the death of its agent is removed by the next one', async () => {
    const host = await scriptedHost();
    await host.declare('web');
    // Stopping and ended are on the disk, that it is forgotten is not.
    host.faults.dieAfter(2);
    void host.crew().get('web')!.send({ type: 'remove', by: 'apply' });
    await host.clock.advance(5000);
    expect(host.world.live('web')).toEqual([]);
    host.die();
    await host.boot();
    await host.clock.advance(5000);
    expect(host.crew().all()).toEqual([]);
  });
  test('that is held twice is said to be held when that is on the disk', async () => {
    const host = await scriptedHost();
    await host.declare('web');
    host.faults.full();
    let answers = 0;
    for (let time = 0; time < 2; time += 1)
      void host
        .crew()
        .get('web')!
        .send(hold)
        .then(() => {
          answers += 1;
        });
    await host.clock.advance(3000);
    expect([answers, host.world.live('web').length]).toEqual([0, 1]);
    host.faults.full(false);
    await host.clock.advance(3000);
    expect([answers, host.world.live('web').length]).toEqual([2, 0]);
  });
  test('keeps the last three ended instances and no more', async () => {
    const host = await scriptedHost({ web: { exit: { afterMs: 10, code: 1 } } });
    await host.declare('web', { restart: { backoff: { min: '1s', max: '1s' } } });
    await host.clock.advance(20_000);
    expect(host.world.starts.length).toBeGreaterThan(8);
    expect(host.world.instances().length).toBeLessThanOrEqual(5);
  });
  test('keeps no more of starts that are called off again and again', async () => {
    const host = await scriptedHost();
    await host.declare('web');
    const web = host.crew().get('web')!;
    await web.send(hold);
    await host.clock.advance(1000);
    const names = new Set<string | null>();
    for (let time = 0; time < 8; time += 1) {
      host.faults.slow(500);
      void web.send({ type: 'start', by: 'user', cause: 'user' });
      while (web.life.phase !== 'starting') await host.clock.advance(50);
      names.add(web.life.instance);
      void web.send(hold);
      await host.clock.advance(3000);
      host.faults.slow(0);
    }
    expect([names.size, host.world.starts.length]).toEqual([8, 1]);
    expect(web.instances.all().length).toBeLessThanOrEqual(4);
  });
});

describe('a worker with a schedule', () => {
  const hourly = { schedule: { cron: '0 * * * *', timezone: 'UTC' } };
  test('runs when it is due and not before, also after its agent died', async () => {
    const host = await scriptedHost({ tick: { exit: { afterMs: 1000, code: 0 } } });
    await host.declare('tick', hourly);
    await host.clock.advance(59 * 60_000);
    expect(host.world.starts).toEqual([]);
    expect(stateOf(host.crew().get('tick')!.life)).toBe('waiting');
    host.die();
    await host.boot();
    await host.clock.advance(2 * 60_000);
    expect(host.world.starts).toHaveLength(1);
    await host.clock.advance(60 * 60_000);
    expect(host.world.starts).toHaveLength(2);
    expect(host.crew().get('tick')!.life.phase).toBe('done');
  });
  test.each([
    ['skip', 0],
    ['once', 1],
  ] as const)('whose runs were missed while no agent ran: %s', async (missed, starts) => {
    const host = await scriptedHost({ tick: { exit: { afterMs: 1000, code: 0 } } });
    await host.declare('tick', { schedule: { ...hourly.schedule, missed } });
    host.die();
    await host.clock.advance(3.5 * 3_600_000);
    await host.boot();
    await host.clock.advance(60_000);
    expect(host.world.starts).toHaveLength(starts);
    expect((await host.journal()).filter(({ type }) => type === 'worker.skipped').map(({ text }) => text)).toEqual(
      missed === 'skip' ? [expect.stringContaining('3 runs were missed')] : [],
    );
    host.die();
    await host.boot();
    await host.clock.advance(60_000);
    expect(host.world.starts).toHaveLength(starts);
  });
  test('is started anew with what its run depends on, though its new definition does not', async () => {
    const host = await scriptedHost({ tick: { exit: { afterMs: 50 * 60_000, code: 0 } } });
    await host.declare('db');
    await host.declare('tick', { ...hourly, dependsOn: { db: { is: 'started', restartWithIt: true } } });
    await host.clock.advance(61 * 60_000);
    const [first] = host.world.live('tick');
    await host.declare('tick', hourly);
    expect(host.world.live('tick')).toEqual([first]);
    await host.crew().get('db')!.send({ type: 'restart', by: 'user', cause: 'restart' });
    await host.clock.advance(1000);
    expect(host.world.live('tick')).not.toContainEqual(first);
    expect((await host.journal()).some(({ worker, text }) => worker === 'tick' && text.includes('a worker that it depends on'))).toBe(true);
  });
  test('skips a run while the last one lasts, and says so', async () => {
    const host = await scriptedHost({ tick: {} });
    await host.declare('tick', hourly);
    await host.clock.advance(121 * 60_000);
    expect(host.world.starts).toHaveLength(1);
    expect(await host.told('tick')).toContain('skipped');
  });
  test('is ended when it runs longer than it may', async () => {
    const host = await scriptedHost({ tick: {} });
    await host.declare('tick', { schedule: { ...hourly.schedule, timeout: '5m' }, restart: { policy: 'never' } });
    await host.clock.advance(66 * 60_000);
    expect(host.world.live('tick')).toEqual([]);
    expect(host.crew().get('tick')!.life.phase).toBe('failed');
  });
  test('ends its run by itself when it was changed meanwhile, whatever becomes of the agent, and runs anew when it is due', async () => {
    const host = await scriptedHost({ tick: { exit: { afterMs: 10 * 60_000, code: 0 } } });
    await host.declare('tick', hourly);
    await host.clock.advance(62 * 60_000);
    await host.declare('tick', { ...hourly, command: ['anew'] });
    host.die();
    await host.boot();
    await host.clock.advance(5 * 60_000);
    expect(host.world.live('tick')).toHaveLength(1);
    expect(await host.told('tick')).not.toContain('stopping');
    await host.clock.advance(10 * 60_000);
    expect(host.world.live('tick')).toEqual([]);
    expect(host.world.starts).toHaveLength(1);
    await host.clock.advance(60 * 60_000);
    expect(host.world.starts).toHaveLength(2);
  });
  test.each([
    ['alive', false],
    ['dead', true],
  ])('that was a service until now is stopped, and started when it is due: its agent is %s meanwhile', async (_, dies) => {
    const host = await scriptedHost();
    await host.declare('tick');
    await host.clock.advance(60_000);
    expect(host.world.live('tick')).toHaveLength(1);
    await host.declare('tick', hourly);
    if (dies) {
      host.die();
      await host.boot();
    }
    await host.clock.advance(60_000);
    expect(host.world.live('tick')).toEqual([]);
    expect(host.crew().get('tick')!.life).toMatchObject({ phase: 'idle', reason: 'waiting until it is due' });
    await host.clock.advance(60 * 60_000);
    expect(host.world.starts).toHaveLength(2);
  });
  test('that becomes a service is stopped, and started as that', async () => {
    const host = await scriptedHost();
    await host.declare('tick', hourly);
    await host.clock.advance(62 * 60_000);
    const [run] = host.world.live('tick');
    await host.declare('tick');
    await host.clock.advance(1000);
    const live = host.world.live('tick');
    expect(live).toHaveLength(1);
    expect(live[0]!.instance).not.toBe(run!.instance);
  });
});

describe('several workers', () => {
  test('start after what they depend on is healthy, also after the agent died between', async () => {
    const host = await scriptedHost();
    await host.declare('app', { dependsOn: { db: 'healthy' } });
    await host.declare('db');
    await host.clock.advance(1000);
    expect(host.world.live('app')).toEqual([]);
    expect(host.crew().get('app')!.life.reason).toBe('waiting for db to be healthy');
    host.die();
    await host.boot();
    await host.clock.advance(1000);
    expect(host.world.live('app')).toEqual([]);
    host.probes.find(({ worker }) => worker === 'db')!.onVerdict({ health: 'ok', evidence: '', failures: 0, afterMs: 5 });
    await host.clock.advance(100);
    expect(host.world.live('app')).toHaveLength(1);
  });
  test('a start that a dead agent left on its way waits for what it depends on like any other, and keeps its name', async () => {
    const host = await scriptedHost({ app: [{ start: 'hang' }, {}] });
    await host.declare('db');
    await host.declare('app', { dependsOn: { db: 'started' } });
    await host.clock.advance(1000);
    const { instance } = host.crew().get('app')!.life;
    expect(host.crew().get('app')!.life.phase).toBe('starting');
    await host.crew().get('db')!.send(hold);
    await host.clock.advance(1000);
    host.die();
    await host.boot();
    await host.clock.advance(10_000);
    expect(host.world.live('app')).toEqual([]);
    expect(host.crew().get('app')!.life.reason).toBe('waiting for db to be started (it is held)');
    await host.crew().get('db')!.send({ type: 'start', by: 'user', cause: 'user' });
    await host.clock.advance(10_000);
    expect(host.world.live('app')).toMatchObject([{ instance }]);
  });
  describe('of which one is to be started anew with another', () => {
    const anew = { dependsOn: { db: { is: 'started', restartWithIt: true } } };
    const starts = (host: Awaited<ReturnType<typeof scriptedHost>>, worker: string) => host.world.starts.filter(({ ref }) => ref.worker === worker).length;
    test('are both restarted where the other is, and the journal says why', async () => {
      const host = await scriptedHost();
      await host.declare('db');
      await host.declare('app', anew);
      await host.clock.advance(100);
      await host.crew().get('db')!.send({ type: 'restart', by: 'user', cause: 'restart' });
      await host.clock.advance(1000);
      expect([starts(host, 'db'), starts(host, 'app')]).toEqual([2, 2]);
      expect((await host.journal()).findLast(({ type, worker }) => type === 'worker.stopping' && worker === 'app')?.data).toMatchObject({
        cause: 'dependency',
        evidence: 'db',
      });
    });
    test('are so although the agent died before it could, and only once', async () => {
      for (let commits = 1; commits < 16; commits += 1) {
        const host = await scriptedHost();
        await host.declare('db');
        await host.declare('app', anew);
        await host.clock.advance(100);
        host.faults.dieAfter(commits, true);
        void host
          .crew()
          .get('db')!
          .send({ type: 'restart', by: 'user', cause: 'restart' })
          .catch(() => {});
        await host.clock.advance(1000);
        host.die();
        await host.boot();
        await host.clock.advance(10_000);
        expect([starts(host, 'db'), starts(host, 'app')], `after death at commit ${commits}`).toEqual([2, 2]);
        host.die();
        await host.boot();
        await host.clock.advance(10_000);
        expect([starts(host, 'db'), starts(host, 'app')], `and another one`).toEqual([2, 2]);
      }
    });
    test('or to stop with it, are so although no agent saw the other end', async () => {
      const host = await scriptedHost({ db: [{ exit: { afterMs: 500, code: 1 } }, {}] });
      await host.declare('db');
      await host.declare('app', { dependsOn: { db: { is: 'started', stopWithIt: true } } });
      await host.clock.advance(100);
      host.die();
      await host.clock.advance(1000);
      await host.boot();
      await host.clock.advance(10_000);
      expect([starts(host, 'db'), starts(host, 'app')]).toEqual([2, 2]);
    });
    test('or to stop with it, are so where the other was out of sight as the one came up, and had ended before that', async () => {
      const host = await scriptedHost({ db: { exit: { afterMs: 500, code: 1 } }, app: { startAfterMs: 2000 } });
      await host.declare('db', { restart: { policy: 'never' } });
      await host.declare('app', { dependsOn: { db: { is: 'started', stopWithIt: true } } });
      await host.clock.advance(1000);
      const db = host.crew().get('db')!;
      await db.send({ type: 'blind', runtime: 'fake', reason: 'it does not answer' });
      await host.clock.advance(2000);
      expect([db.life.phase, host.world.live('app').length]).toEqual(['failed', 1]);
      await db.send({ type: 'sighted' });
      await host.clock.advance(1000);
      expect(host.world.live('app')).toEqual([]);
    });
    test('are so where the other is restarted while the one is being started', async () => {
      const host = await scriptedHost({ app: { startAfterMs: 2000 } });
      await host.declare('db');
      await host.declare('app', anew);
      await host.clock.advance(500);
      await host.crew().get('db')!.send({ type: 'restart', by: 'user', cause: 'restart' });
      await host.clock.advance(10_000);
      expect([starts(host, 'db'), starts(host, 'app')]).toEqual([2, 2]);
    });
  });
  test('stop in reverse order', async () => {
    const host = await scriptedHost();
    await host.declare('db');
    await host.declare('app', { dependsOn: { db: 'started' } });
    await host.clock.advance(100);
    const crew = host.crew();
    const stopped = crew.stopInOrder(crew.all(), { type: 'hold', by: 'down', cause: 'down' }, new AbortController().signal);
    await host.clock.advance(1000);
    expect(await stopped).toBe(true);
    expect(host.world.calls.filter(({ method }) => method === 'stop').map(({ worker }) => worker)).toEqual(['app', 'db']);
  });
  test('stop with their agent, those included that come to be known meanwhile', async () => {
    const host = await scriptedHost({ web: { stop: 'ignore' } });
    await host.declare('web');
    await host.clock.advance(100);
    let isOver = false;
    const stopped = host.crew().stopWithAgent(new AbortController().signal);
    void stopped.then(() => {
      isOver = true;
    });
    await host.clock.advance(1000);
    await host.declare('late');
    await host.clock.advance(100);
    expect([isOver, host.world.live('late').length]).toEqual([false, 1]);
    await host.clock.advance(20_000);
    expect([isOver, await stopped, host.world.live('web').length, host.world.live('late').length]).toEqual([true, true, 0, 0]);
  });
  test('go down although one of them is started meanwhile, out of sight', async () => {
    const host = await scriptedHost();
    await host.declare('web');
    await host.clock.advance(100);
    const [crew, web] = [host.crew(), host.crew().get('web')!];
    await web.send({ type: 'blind', reason: 'it does not answer', runtime: 'fake' });
    const stopped = crew.stopInOrder([web], { type: 'hold', by: 'down', cause: 'down' }, new AbortController().signal);
    await host.clock.settle();
    await web.send({ type: 'start', by: 'user', cause: 'user' });
    await web.send({ type: 'sighted' });
    await host.clock.advance(1000);
    expect(await Promise.race([stopped, host.clock.advance(60_000).then(() => 'never')])).toBe(true);
    expect(web.life).toMatchObject({ phase: 'idle', want: 'held' });
  });
  test('go down although an agent that died within an apply has left them depending on each other', async () => {
    const host = await scriptedHost();
    await host.declare('db');
    await host.declare('app', { dependsOn: { db: 'started' } });
    await host.declare('db', { dependsOn: { app: { is: 'started' } } });
    await host.clock.advance(5000);
    const crew = host.crew();
    expect(host.world.live('app')).toHaveLength(1);
    const stopped = crew.stopInOrder(crew.all(), { type: 'hold', by: 'down', cause: 'down' }, new AbortController().signal);
    expect(await Promise.race([stopped, host.clock.advance(60_000).then(() => 'never')])).toBe(true);
    expect([...host.world.live('app'), ...host.world.live('db')]).toEqual([]);
  });
  test('are waited for by nobody who has called it off, be it at once', async () => {
    const host = await scriptedHost();
    await host.declare('web');
    await host.clock.advance(100);
    const [crew, web] = [host.crew(), host.crew().get('web')!];
    await web.send(hold);
    await host.clock.advance(100);
    host.faults.slow(60_000);
    void web.send({ type: 'start', by: 'user', cause: 'user' });
    void web.send(hold);
    await host.clock.settle();
    const callOff = new AbortController();
    const stopped = crew.stopInOrder([web], { type: 'hold', by: 'down', cause: 'down' }, callOff.signal);
    callOff.abort();
    expect(await Promise.race([stopped, host.clock.advance(30_000).then(() => 'late')])).toBe(false);
  });
  test('never start more at once than the host allows', async () => {
    const scripts = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`w${i}`, { startAfterMs: 1000 }]));
    const host = await scriptedHost(scripts);
    for (const worker of Object.keys(scripts)) await host.declare(worker);
    await host.clock.advance(500);
    expect(host.world.calls.filter(({ method }) => method === 'start')).toHaveLength(4);
    await host.clock.advance(10_000);
    expect(host.world.starts).toHaveLength(20);
  });
  test('an agent that dies at any of its commits leaves one instance of each, and the next one brings all to run', async () => {
    for (let commits = 0; commits < 24; commits += 1)
      for (const isDone of [false, true]) {
        const host = await scriptedHost({ web: [{ exit: { afterMs: 50, code: 1 } }, { start: 'lost-reply' }, {}] });
        host.faults.dieAfter(commits, isDone);
        void host.declare('db').catch(() => {});
        await host.clock.settle();
        void host.declare('web', { dependsOn: { db: 'started' } }).catch(() => {});
        await host.clock.advance(3000);
        host.die();
        await host.boot();
        await host.clock.advance(30_000);
        const known = host
          .crew()
          .all()
          .map(({ worker }) => worker);
        for (const worker of known) {
          expect(host.world.live(worker), `${worker} after death at commit ${commits}, done: ${isDone}`).toHaveLength(1);
          expect(host.crew().get(worker)!.life.phase).toBe('running');
        }
        expect(host.world.instances().filter(({ is, ref }) => is === 'running' && !known.includes(ref.worker))).toEqual([]);
        // One ref, one run.
        const refs = host.world.starts.map(({ ref }) => `${ref.worker}/${ref.instance}`);
        expect(new Set(refs).size).toBe(refs.length);
        host.die();
      }
  });
});
