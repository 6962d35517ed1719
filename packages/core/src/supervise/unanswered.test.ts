import { runtimeFailure } from '@ostler/sdk';
import { expect, test } from 'vitest';
import { scriptedHost } from './fixtures/host.ts';

// An engine that never says what became of a call, or refuses one for good.

const unknown = () => runtimeFailure({ code: 'internal', outcome: 'unknown', retryable: true, message: 'the engine answers with 500' });

test('a start whose outcome is unknown again and again, with nothing there, is slowed, told as a crash loop, and given up where the file says so', async () => {
  const host = await scriptedHost();
  const starts: number[] = [];
  host.die();
  const start = async () => {
    starts.push(host.clock.monotonicMs());
    throw unknown();
  };
  await host.boot({ ...host.driver(), start });
  void host.declare('web');
  void host.declare('job', { restart: { giveUp: 3 } });
  for (let second = 0; second < 120; second++) await host.clock.advance(1000);
  // Of job: one at once under the same name, and the three restarts that it may have.
  const { life } = host.crew().get('job')!;
  expect([life.phase, life.failures]).toEqual(['failed', 4]);
  expect(life.reason).toContain('its 3 restarts are used up');
  expect(await host.told('web')).toContain('crash-looping');
  expect(starts.length).toBeGreaterThan(8);
  expect(starts.length).toBeLessThan(20);
});

test('a start whose outcome is unknown once is begun again at once, under its name, and is no failure', async () => {
  const host = await scriptedHost();
  host.die();
  const driver = host.driver();
  let isFirst = true;
  const start: typeof driver.start = async (...asked) => {
    if (!isFirst) return driver.start(...asked);
    isFirst = false;
    throw unknown();
  };
  await host.boot({ ...driver, start });
  await host.declare('web');
  await host.clock.advance(100);
  const { life } = host.crew().get('web')!;
  expect([life.phase, life.failures, host.crew().get('web')!.instances.all().length]).toEqual(['running', 0, 1]);
});

test('a stop that its engine refuses for good is tried again at a pace, not without end at once', async () => {
  const host = await scriptedHost();
  let stops = 0;
  host.die();
  const stop = async () => {
    stops += 1;
    throw runtimeFailure({ code: 'unauthorized', outcome: 'no', retryable: false, message: 'the engine answers with 403' });
  };
  await host.boot({ ...host.driver(), stop });
  await host.declare('web');
  void host.crew().get('web')!.send({ type: 'hold', by: 'user', cause: 'held' });
  for (let second = 0; second < 120; second++) await host.clock.advance(1000);
  expect(stops).toBeGreaterThan(5);
  expect(stops).toBeLessThan(20);
});

test('what is out of sight is looked at again in two seconds, however often its stop was refused', async () => {
  const host = await scriptedHost();
  let stops = 0;
  let isHung = false;
  host.die();
  const stop = async () => {
    stops += 1;
    await host.clock.sleep(500);
    throw runtimeFailure({ code: 'unauthorized', outcome: 'no', retryable: false, message: 'the engine answers with 403' });
  };
  const driver = host.driver();
  const inspect: typeof driver.inspect = async (...asked) => {
    if (isHung) throw runtimeFailure({ code: 'internal', outcome: 'no', retryable: true, message: 'the engine answers with 500' });
    return driver.inspect(...asked);
  };
  await host.boot({ ...driver, stop, inspect });
  await host.declare('web');
  const web = host.crew().get('web')!;
  void web.send({ type: 'hold', by: 'user', cause: 'held' });
  while (stops < 6) await host.clock.advance(100);
  isHung = true;
  await web.send({ type: 'blind', runtime: 'fake', reason: 'it does not answer' });
  await web.look();
  await host.clock.advance(500);
  expect(web.life).toMatchObject({ phase: 'unresolved', blind: { reason: 'it does not answer' } });
  isHung = false;
  await host.clock.advance(2100);
  expect(web.life.blind).toBeNull();
});

test('while nobody knows yet that its engine is away, a worker is prepared again now and then, and nothing of it is counted', async () => {
  const host = await scriptedHost();
  let times = 0;
  host.die();
  const prepare = async () => {
    times += 1;
    throw runtimeFailure({ code: 'engine-down', outcome: 'no', retryable: true, message: 'connect ECONNREFUSED' });
  };
  const driver = host.driver();
  await host.boot({ ...driver, prepare: (...asked) => (times < 10 ? prepare() : driver.prepare(...asked)) });
  void host.declare('web', { restart: { giveUp: 3 } });
  for (let tenth = 0; tenth < 50; tenth++) await host.clock.advance(100);
  expect(times).toBeGreaterThan(3);
  expect(times).toBeLessThan(8);
  for (let tenth = 0; tenth < 100; tenth++) await host.clock.advance(100);
  expect([host.crew().get('web')!.life.phase, host.crew().get('web')!.life.failures]).toEqual(['running', 0]);
});
