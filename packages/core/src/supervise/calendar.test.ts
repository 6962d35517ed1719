import type { Json } from '@ostler/sdk';
import { fakeClock } from '@ostler/testkit';
import { describe, expect, test } from 'vitest';
import { type ScriptedHost, scriptedHost } from './fixtures/host.ts';
import type { LifeEvent } from './life.ts';
import { stateOf } from './state.ts';

const hourMs = 3_600_000;
const hourly = (more: object = {}) => ({ schedule: { cron: '0 * * * *', timezone: 'UTC', ...more } });
const quick = { exit: { afterMs: 1000, code: 0 } };

/** Hours and minutes of the starts, by the clock of the host at that time. */
async function ticking(more: object = {}, script: object = quick) {
  const host = await scriptedHost({ tick: script });
  await host.declare('tick', hourly(more));
  const starts = () => host.world.starts.map(({ atMs }) => new Date(atMs).toISOString().slice(8, 16));
  const skips = async () => (await host.journal()).filter(({ type }) => type === 'worker.skipped').map(({ text }) => text);
  return { host, starts, skips };
}

describe('a clock that is set forward', () => {
  test('by a day, or a host that slept so long: what was missed is told once and not run', async () => {
    const { host, starts, skips } = await ticking();
    await host.clock.advance(0.5 * hourMs);
    host.clock.jump(24 * hourMs);
    await host.clock.advance(2 * hourMs);
    expect(starts()).toEqual(['02T01:00', '02T02:00']);
    expect(await skips()).toEqual([
      'The run due at 2030-01-02T00:00:00.000Z was skipped: the host slept, or its clock was set; 24 runs were missed in that time, this one the last.',
    ]);
  });
  test('by a day, where one run makes up for the others', async () => {
    const { host, starts, skips } = await ticking({ missed: 'once' });
    await host.clock.advance(0.5 * hourMs);
    host.clock.jump(24 * hourMs);
    await host.clock.advance(hourMs);
    expect(starts()).toEqual(['02T00:31', '02T01:00']);
    expect(await skips()).toEqual([]);
  });
  test('to a moment just after a run was due: that one runs, the one before it is told', async () => {
    const { host, starts, skips } = await ticking();
    await host.clock.advance(59.5 * 60_000);
    host.clock.jump(hourMs);
    await host.clock.advance(60_000);
    expect(starts()).toEqual(['01T02:00']);
    expect(await skips()).toEqual(['The run due at 2030-01-01T01:00:00.000Z was skipped: the host slept, or its clock was set.']);
  });
  test('loses no run when the worker changes before it is noticed', async () => {
    const { host, starts } = await ticking({ missed: 'once' });
    await host.clock.advance(0.5 * hourMs);
    host.clock.jump(hourMs);
    await host.declare('tick', { ...hourly({ missed: 'once' }), env: { A: '1' } });
    await host.clock.advance(2 * 60_000);
    expect(starts()).toHaveLength(1);
  });
});

describe('a clock that is set back', () => {
  test('by an hour: what has run does not run again', async () => {
    const { host, starts } = await ticking();
    await host.clock.advance(1.5 * hourMs);
    host.clock.jump(-hourMs);
    await host.clock.advance(2 * hourMs);
    expect(starts()).toEqual(['01T01:00', '01T02:00']);
  });
  test('by a day: it was wrong before, and the schedule goes by the new time at once', async () => {
    const { host, starts } = await ticking();
    await host.clock.advance(1.5 * hourMs);
    host.clock.jump(-24 * hourMs);
    await host.clock.advance(2 * hourMs);
    expect(starts()).toEqual(['01T01:00', '31T02:00', '31T03:00']);
  });
});

test('a run that was due in the moment in which its agent was replaced is made up for', async () => {
  const { host, starts, skips } = await ticking();
  await host.clock.advance(hourMs - 1000);
  host.die();
  await host.clock.advance(5000);
  await host.boot();
  await host.clock.advance(60_000);
  expect(starts()).toEqual(['01T01:00']);
  expect(await skips()).toEqual([]);
});

test('times from before its schedule was written are none that it missed', async () => {
  const { host, starts, skips } = await ticking({ cron: '0 0 1 1 *', missed: 'once' });
  await host.clock.advance(24 * hourMs);
  await host.declare('tick', hourly({ missed: 'once' }));
  await host.clock.advance(60_000);
  host.die();
  await host.boot();
  await host.clock.advance(60_000);
  expect([starts(), await skips()]).toEqual([[], []]);
});

test('a worker that is held neither runs nor is told to have missed a run', async () => {
  const { host, starts, skips } = await ticking();
  await host.crew().get('tick')!.send({ type: 'hold', by: 'user', cause: 'held' });
  await host.clock.advance(3.5 * hourMs);
  host.clock.jump(24 * hourMs);
  await host.clock.advance(hourMs);
  expect([starts(), await skips()]).toEqual([[], []]);
});

describe('a run that is due while the last one lasts', () => {
  const long = (minutes: number) => ({ exit: { afterMs: minutes * 60_000, code: 0 } });
  test('is skipped, and the one after it runs', async () => {
    const { host, starts, skips } = await ticking({ overlap: 'skip' }, long(90));
    await host.clock.advance(4.5 * hourMs);
    expect(starts()).toEqual(['01T01:00', '01T03:00']);
    expect(await skips()).toHaveLength(2);
  });
  test('is queued and begins when that one ends, one at most', async () => {
    const { host, starts, skips } = await ticking({ overlap: 'queue' }, [long(150), quick]);
    await host.clock.advance(3.9 * hourMs);
    expect(starts()).toEqual(['01T01:00', '01T03:30']);
    expect(await skips()).toEqual(['The run due at 2030-01-01T03:00:00.000Z was skipped: one run waits already.']);
    expect((await host.told('tick')).filter((type) => type === 'done')).toHaveLength(2);
  });
  test('is queued, and begins also when that one fails or runs for too long', async () => {
    for (const script of [{ exit: { afterMs: 70 * 60_000, code: 1 } }, {}]) {
      const { host, starts } = await ticking({ overlap: 'queue', timeout: '70m' }, [script, quick]);
      await host.clock.advance(2.5 * hourMs);
      expect(starts()).toEqual(['01T01:00', '01T02:10']);
      expect(host.crew().get('tick')!.life).toMatchObject({ phase: 'done', isQueued: false });
    }
  });
  test('is forgotten with a hold', async () => {
    const { host, starts } = await ticking({ overlap: 'queue' }, [{}, quick]);
    await host.clock.advance(2.5 * hourMs);
    await host.crew().get('tick')!.send({ type: 'hold', by: 'user', cause: 'held' });
    await host.clock.advance(1000);
    await host.crew().get('tick')!.send({ type: 'start', by: 'user', cause: 'release' });
    await host.clock.advance(0.4 * hourMs);
    expect(starts()).toEqual(['01T01:00']);
    await host.clock.advance(0.5 * hourMs);
    expect(starts()).toEqual(['01T01:00', '01T03:00']);
  });
  test('takes its place where it replaces', async () => {
    const { host, starts } = await ticking({ overlap: 'replace' }, {});
    await host.clock.advance(2.5 * hourMs);
    expect(starts()).toEqual(['01T01:00', '01T02:00']);
    expect(host.world.live('tick')).toHaveLength(1);
    expect((await host.journal()).find(({ type }) => type === 'worker.stopping')?.data).toMatchObject({ cause: 'replaced' });
  });
});

test('a run that is due while the one before it has not begun is skipped for that, whatever its rule for overlap', async () => {
  for (const overlap of ['skip', 'replace']) {
    const host = await scriptedHost({ tick: quick });
    await host.declare('db');
    await host.declare('tick', { ...hourly({ overlap }), dependsOn: { db: 'healthy' } });
    await host.clock.advance(2.5 * hourMs);
    const skips = (await host.journal()).filter(({ type }) => type === 'worker.skipped').map(({ text }) => text);
    expect(skips).toEqual(['The run due at 2030-01-01T02:00:00.000Z was skipped: the run before it has not begun yet.']);
  }
});

test('a run that is due while the one before it waits to be tried again takes its place; while it is tried, that one is not over', async () => {
  const host = await scriptedHost({ tick: [{ exit: { afterMs: 1000, code: 1 } }, quick] }, { TOKEN: 'x' }, 45 * 60_000);
  await host.declare('tick', { ...hourly(), restart: { backoff: { first: '1s', jitter: 0 } } });
  await host.clock.advance(2.2 * hourMs);
  expect(host.crew().get('tick')!.life).toMatchObject({ phase: 'preparing', startCause: 'exited' });
  const skips = (await host.journal()).filter(({ type }) => type === 'worker.skipped').map(({ text }) => text);
  expect(skips).toEqual(['The run due at 2030-01-01T02:00:00.000Z was skipped: the last run is not over.']);
});

describe('what was missed while no agent ran', () => {
  const afterDeath = async (cron: string, more: object, hours: number) => {
    const { host, starts, skips } = await ticking({ cron, ...more }, {});
    host.die();
    await host.clock.advance(hours * hourMs);
    await host.boot();
    return { host, starts, skips, lastDueAt: host.crew().get('tick')!.life.lastDueAt };
  };
  test.each([
    ['after 1000 runs the count says that there were more', '*/2 * * * *', 40.01, '2030-01-02T15:58:00.000Z', 'at least 1000'],
    ['many runs a minute', '*/10 * * * * *', 24, '2030-01-01T23:59:50.000Z', 'at least 1000'],
    ['1000 runs, of which the last is made up for', '*/2 * * * *', 33.34, '2030-01-02T09:18:00.000Z', '999'],
  ])('names the last time at which one was due: %s', async (_, cron, hours, at, count) => {
    const { skips } = await afterDeath(cron, {}, hours);
    expect(await skips()).toEqual([`The run due at ${at} was skipped: no agent ran; ${count} runs were missed in that time, this one the last.`]);
  });
  test('is made up for by one run, which is of the last time at which one was due', async () => {
    const { starts, lastDueAt } = await afterDeath('0 * * * *', { missed: 'once' }, 5.5);
    expect([starts(), lastDueAt]).toEqual([['01T05:30'], '2030-01-01T05:00:00.000Z']);
  });
  test('is told once, also when the clock is set and the engine lost before the next agent is up', async () => {
    const { host, skips } = await ticking();
    host.die();
    await host.clock.advance(2.5 * hourMs);
    let isDeaf = true;
    const driver = host.driver();
    await host.boot({ ...driver, list: (agent, call) => (isDeaf ? Promise.reject(new Error('not yet')) : driver.list(agent, call)) });
    await host.crew().get('tick')!.send({ type: 'blind', runtime: 'fake', reason: 'not yet' });
    await host.clock.advance(0.6 * hourMs);
    host.clock.jump(hourMs);
    isDeaf = false;
    await host.clock.advance(5 * 60_000);
    expect(await skips()).toEqual(['The run due at 2030-01-01T04:00:00.000Z was skipped: no agent ran; 4 runs were missed in that time, this one the last.']);
  });
  test('leaves a worker at rest with its next run ahead of it', async () => {
    const { host } = await ticking({}, [quick, {}]);
    const { life } = host.crew().get('tick')!;
    expect(life).toMatchObject({ phase: 'idle', nextTryAt: '2030-01-01T01:00:00.000Z' });
    host.die();
    await host.clock.advance(3.5 * hourMs);
    await host.boot();
    expect(host.crew().get('tick')!.life).toMatchObject({ phase: 'idle', nextTryAt: '2030-01-01T04:00:00.000Z' });
    await host.clock.advance(hourMs);
    host.clock.jump(24 * hourMs);
    await host.clock.advance(60_000);
    expect(host.crew().get('tick')!.life).toMatchObject({ phase: 'done', nextTryAt: '2030-01-02T05:00:00.000Z' });
  });
  test('is told to nobody who was held then', async () => {
    const { host, starts, skips } = await ticking();
    await host.crew().get('tick')!.send({ type: 'hold', by: 'user', cause: 'held' });
    host.die();
    await host.clock.advance(2.5 * hourMs);
    await host.boot();
    await host.crew().get('tick')!.send({ type: 'start', by: 'user', cause: 'release' });
    host.die();
    await host.clock.advance(hourMs);
    await host.boot();
    await host.clock.advance(60_000);
    expect([starts(), await skips()]).toEqual([[], ['The run due at 2030-01-01T03:00:00.000Z was skipped: no agent ran.']]);
  });
});

describe('a run that was due and had not begun when its agent was ended with its workers', () => {
  const whole = new AbortController().signal;
  async function ended(more: object, late: Record<string, Json> = {}, script: object = { exit: { afterMs: 70 * 60_000, code: 0 } }) {
    const host = await scriptedHost({ tick: script, db: {} });
    await host.declare('db', { ports: [1], health: { tcp: 1 } });
    await host.declare('tick', { ...hourly(more), ...late });
    await host.clock.advance(hourMs);
    return host;
  }
  async function next(host: ScriptedHost) {
    const over = host.crew().stopWithAgent(whole);
    await host.clock.advance(60_000);
    await over;
    host.die();
    await host.clock.advance(5 * 60_000);
    await host.boot();
    await host.clock.advance(60_000);
    const skipped = (await host.journal()).filter(({ type }) => type === 'worker.skipped').map(({ text }) => text);
    return { starts: host.world.starts.filter(({ ref }) => ref.worker === 'tick').length, skipped };
  }
  const lost = ['The run due at 2030-01-01T01:00:00.000Z was skipped: no agent ran.'];

  test.each(['skip', 'once'])('is one that was missed, while it waited for another worker (missed: %s)', async (missed) => {
    const host = await ended({ missed }, { dependsOn: { db: 'healthy' } });
    expect(host.crew().get('tick')!.life).toMatchObject({ phase: 'waiting', startCause: 'due' });
    const { skipped } = await next(host);
    expect(skipped).toEqual(missed === 'skip' ? lost : []);
    expect(host.crew().get('tick')!.life).toMatchObject(missed === 'skip' ? { phase: 'idle' } : { phase: 'waiting', startCause: 'due' });
  });
  test.each(['skip', 'once'])('is one that was missed, while it was queued (missed: %s)', async (missed) => {
    const host = await ended({ overlap: 'queue', missed });
    await host.clock.advance(hourMs);
    expect(host.crew().get('tick')!.life).toMatchObject({ phase: 'running', isQueued: true });
    const { starts, skipped } = await next(host);
    expect([starts, skipped]).toEqual(missed === 'skip' ? [1, [lost[0]!.replace('T01', 'T02')]] : [2, []]);
  });
  test.each(['skip', 'once'])('is one that was missed, while the run was being stopped that it replaces (missed: %s)', async (missed) => {
    const slow = [{ exit: { afterMs: 70 * 60_000, code: 0 }, stop: 'ignore' }, { exit: { afterMs: 1000, code: 0 } }];
    const host = await ended({ overlap: 'replace', missed }, { stop: { grace: '30s' } }, slow);
    await host.clock.advance(hourMs + 1000);
    expect(host.crew().get('tick')!.life).toMatchObject({ phase: 'stopping', stopCause: 'replaced' });
    const { starts, skipped } = await next(host);
    expect([starts, skipped]).toEqual(missed === 'skip' ? [1, [lost[0]!.replace('T01', 'T02')]] : [2, []]);
  });
  test('is told with those that pass while that agent still waits for the end of another', async () => {
    const host = await scriptedHost({ slow: { stop: 'ignore' }, db: {} });
    await host.declare('slow', { stop: { grace: '3h' } });
    await host.declare('db', { ports: [1], health: { tcp: 1 } });
    await host.declare('tick', { ...hourly(), dependsOn: { db: 'healthy' } });
    await host.clock.advance(hourMs);
    void host.crew().stopWithAgent(whole);
    await host.clock.advance(60_000);
    expect(host.crew().get('tick')!.life).toMatchObject({ phase: 'idle', reason: 'its agent was ended' });
    host.clock.jump(2.5 * hourMs);
    await host.clock.advance(2 * 60_000);
    const skipped = (await host.journal()).filter(({ type }) => type === 'worker.skipped').map(({ text }) => text);
    expect(skipped).toEqual([expect.stringContaining('3 runs were missed in that time')]);
  });
  test('is told with those that pass, also where their time is noticed in the turn in which that agent is ended', async () => {
    const host = await scriptedHost({ db: {} });
    await host.declare('db', { ports: [1], health: { tcp: 1 } });
    await host.declare('tick', { ...hourly(), dependsOn: { db: 'healthy' } });
    await host.clock.advance(hourMs);
    const tick = host.crew().get('tick')!;
    expect(tick.life).toMatchObject({ phase: 'waiting', startCause: 'due' });
    host.clock.jump(2.5 * hourMs);
    const { nowMs } = host.clock;
    // The first to ask in that turn is who waits for the time.
    host.clock.nowMs = () => {
      host.clock.nowMs = nowMs;
      void tick.send({ type: 'hold', by: 'the agent', cause: 'shutdown' });
      return nowMs();
    };
    await host.clock.advance(60_000);
    const skipped = (await host.journal()).filter(({ type }) => type === 'worker.skipped').map(({ text }) => text);
    expect(skipped).toEqual([expect.stringContaining('3 runs were missed in that time')]);
  });
  test('is none where it had begun', async () => {
    const host = await ended({ missed: 'once' });
    expect(host.crew().get('tick')!.life.phase).toBe('running');
    expect(await next(host)).toEqual({ starts: 1, skipped: [] });
  });
});

test('a run that lasts too long is ended, tried again as its policy says, and failed after that', async () => {
  const { host, starts } = await ticking({ timeout: '5m' }, {});
  await host.clock.advance(1.9 * hourMs);
  expect(starts()).toHaveLength(4);
  expect(host.crew().get('tick')!.life.reason).toBe('failed: it ran longer than its schedule allows, and its 3 restarts are used up');
  await host.clock.advance(0.2 * hourMs);
  expect(stateOf(host.crew().get('tick')!.life)).toBe('running');
});

test('a run that is stopped out of sight, and started again before it was, has its timeout still', async () => {
  const { host } = await ticking({ timeout: '5m' }, {});
  await host.clock.advance(hourMs + 1000);
  const tick = host.crew().get('tick')!;
  const { instance } = tick.life;
  for (const darkMs of [60_000, 6 * 60_000]) {
    host.world.isDown = true;
    await tick.look();
    await host.clock.advance(darkMs);
    await tick.send({ type: 'hold', by: 'user', cause: 'held' });
    await tick.send({ type: 'start', by: 'user', cause: 'user' });
    host.world.isDown = false;
    await tick.look();
    expect(tick.life.instance, `${darkMs}`).toBe(instance);
    await host.clock.advance(1000);
  }
  expect(host.world.live('tick')).not.toContainEqual(expect.objectContaining({ instance }));
});

test.each(['due', 'asked for', 'started by hand', 'restarted by hand'])(
  'a run that is %s, and still waits for what it depends on, is not lost when its worker is edited',
  async (how) => {
    const host = await scriptedHost({ tick: { exit: { afterMs: 1000, code: 0 } } });
    await host.declare('db');
    const depending = { ...hourly({}), dependsOn: { db: { is: 'healthy' } } };
    await host.declare('tick', depending);
    const tick = host.crew().get('tick')!;
    if (how === 'due') await host.clock.advance(hourMs + 1000);
    else if (how === 'asked for') await tick.send({ type: 'run', by: 'user' });
    else if (how === 'started by hand') await tick.send({ type: 'start', by: 'user', cause: 'user' });
    else await tick.send({ type: 'restart', by: 'user', cause: 'restart' });
    expect(tick.life.phase).toBe('waiting');
    await host.declare('tick', { ...depending, env: { NEW: '1' } });
    await host.clock.advance(1000);
    const [watch] = host.probes;
    watch!.onVerdict({ health: 'ok', evidence: '', failures: 0, afterMs: 1 });
    await host.clock.advance(1000);
    const [start] = host.world.starts.filter(({ ref }) => ref.worker === 'tick');
    expect(start?.ref.generation).toMatch(/^2-/);
  },
);

test('a run that was too long already when the next agent came is ended by that one', async () => {
  const { host } = await ticking({ timeout: '5m' }, {});
  await host.declare('tick', { ...hourly({ timeout: '5m' }), restart: 'never' });
  await host.clock.advance(hourMs + 60_000);
  host.die();
  await host.clock.advance(10 * 60_000);
  await host.boot();
  await host.clock.advance(1000);
  expect([host.world.live('tick'), host.crew().get('tick')!.life.phase]).toEqual([[], 'failed']);
});

test('nothing waits for years when the clock was years ahead as it was set down, and the agent came anew since', async () => {
  const host = await scriptedHost({ web: [{ exit: { afterMs: 10, code: 1 } }, { exit: { afterMs: 10, code: 1 } }, {}] });
  await host.declare('web');
  await host.declare('tick', hourly({ timeout: '5m' }));
  await host.clock.advance(500);
  expect(host.crew().get('web')!.life.phase).toBe('backoff');
  host.die();
  host.clock.jump(-4 * 365 * 24 * hourMs);
  await host.boot();
  await host.clock.advance(2 * 60_000);
  expect(host.crew().get('web')!.life.phase).toBe('running');
  await host.clock.advance(12 * 60_000);
  expect(host.crew().get('web')!.life.failures).toBe(0);
  await host.clock.advance(hourMs);
  expect(host.world.starts.filter(({ ref }) => ref.worker === 'tick')).not.toEqual([]);
});

describe('a run that is being stopped is followed by none before it is due', () => {
  const line = { ...hourly({ overlap: 'queue' }), stop: { grace: '30s' } };
  async function stopping(event: LifeEvent) {
    const host = await scriptedHost({ tick: [{ stop: 'ignore' }, quick] });
    await host.declare('tick', line);
    await host.clock.advance(2.1 * hourMs);
    const tick = host.crew().get('tick')!;
    expect(tick.life).toMatchObject({ phase: 'running', isQueued: true });
    await tick.send(event);
    await host.clock.advance(1000);
    expect(tick.life.phase).toBe('stopping');
    return { host, tick };
  }
  test('where its worker is removed, and put back meanwhile', async () => {
    const { host, tick } = await stopping({ type: 'remove', by: 'apply' });
    await host.declare('tick', { ...line, env: { A: '1' } });
    await host.clock.advance(60_000);
    expect([tick.life, host.world.starts.length]).toMatchObject([{ phase: 'idle', want: 'run', isQueued: false, nextTryAt: '2030-01-01T03:00:00.000Z' }, 1]);
  });
  test('where its worker is held, and released meanwhile', async () => {
    const { host, tick } = await stopping({ type: 'hold', by: 'user', cause: 'held' });
    await tick.send({ type: 'start', by: 'user', cause: 'release' });
    await host.clock.advance(60_000);
    expect([tick.life, host.world.starts.length]).toMatchObject([{ phase: 'idle', want: 'run', isQueued: false, nextTryAt: '2030-01-01T03:00:00.000Z' }, 1]);
  });
  test.each(['start', 'restart'] as const)('unless somebody asks for one: by %s', async (type) => {
    const { host, tick } = await stopping({ type: 'hold', by: 'user', cause: 'held' });
    await tick.send(type === 'start' ? { type, by: 'user', cause: 'user' } : { type, by: 'user', cause: 'restart' });
    await host.clock.advance(60_000);
    expect([tick.life, host.world.starts.length]).toMatchObject([{ phase: 'done', startCause: 'restart' }, 2]);
  });
});

test('a definition that changes while a run lasts is for the next run, which comes when it is due', async () => {
  const { host, starts } = await ticking({}, { exit: { afterMs: 600_000, code: 0 } });
  await host.clock.advance(1.1 * hourMs);
  await host.declare('tick', { ...hourly(), env: { A: '1' } });
  await host.clock.advance(0.5 * hourMs);
  expect([starts(), host.crew().get('tick')!.life.phase]).toEqual([['01T01:00'], 'done']);
  await host.clock.advance(0.5 * hourMs);
  expect(host.world.starts.map(({ ref }) => ref.generation)).toEqual(['1-d1', '2-d2']);
});

test('each of the last runs is told with its exit code', async () => {
  const codes = [0, 3, 0, 7, 0];
  const { host } = await ticking(
    {},
    codes.map((code) => ({ exit: { afterMs: 1000, code } })),
  );
  await host.declare('tick', { ...hourly(), restart: 'never' });
  await host.clock.advance(5.5 * hourMs);
  const exits = (await host.journal()).filter(({ type }) => type === 'worker.exited').map(({ data, instance }) => [(data as { code: number }).code, instance]);
  expect(exits.map(([code]) => code)).toEqual(codes);
  const kept = host.crew().get('tick')!.instances.all();
  expect(kept.slice(-3).map(({ instance, exit }) => [exit?.code, instance])).toEqual(exits.slice(-3));
  expect(kept.length).toBeLessThanOrEqual(4);
});

test('a schedule waits with one timer, and with none once it is closed', async () => {
  const clock = fakeClock();
  const { Calendar } = await import('./calendar.ts');
  const { missedBetween, nextDue } = await import('../schedule/index.ts');
  const calendar = new Calendar(
    { clock, nextDue, missed: missedBetween },
    () => {},
    () => calendar.align({ cron: '0 * * * *', timezone: 'UTC' }, null),
  );
  for (let time = 0; time < 3; time += 1) calendar.align({ cron: '0 * * * *', timezone: 'UTC' }, null);
  await clock.advance(600_000);
  expect(clock.waiting).toBe(1);
  calendar.align(null, null);
  expect(clock.waiting).toBe(0);
});

test('the clock is set in the moment in which a time has come: those that come between are waited for', async () => {
  const clock = fakeClock();
  const { Calendar } = await import('./calendar.ts');
  const { missedBetween, nextDue } = await import('../schedule/index.ts');
  const line = { cron: '0 * * * *', timezone: 'UTC' };
  const due: string[] = [];
  const calendar = new Calendar(
    { clock, nextDue, missed: missedBetween },
    (dueMs) => {
      due.push(new Date(dueMs).toISOString().slice(11, 16));
      if (due.length === 1) clock.jump(3 * hourMs);
    },
    () => {},
  );
  calendar.align(line, null);
  await clock.advance(hourMs);
  // As what follows from it does.
  calendar.align(line, clock.nowMs() - 3 * hourMs);
  await clock.advance(1);
  expect(due).toEqual(['01:00', '02:00']);
});
