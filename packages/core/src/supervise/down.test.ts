import { describe, expect, test } from 'vitest';
import { type ScriptedHost, scriptedHost } from './fixtures/host.ts';

const never = new AbortController().signal;

/** `db`, and `app` that depends on it and takes so long to end. */
async function running(graceMs = 5000): Promise<ScriptedHost> {
  const host = await scriptedHost({ app: { stop: 'ignore' } });
  await host.declare('db');
  await host.declare('app', { dependsOn: { db: 'started' }, stop: { grace: `${graceMs}ms` } });
  await host.clock.advance(100);
  expect([host.world.live('app').length, host.world.live('db').length]).toEqual([1, 1]);
  return host;
}
const wants = (host: ScriptedHost): readonly string[] =>
  host
    .crew()
    .all()
    .map(({ worker, life }) => `${worker}: ${life.want} ${life.phase}`);
const stopped = (host: ScriptedHost) => host.world.calls.filter(({ method }) => method === 'stop').map(({ worker }) => worker);

describe('a down', () => {
  test('holds everything although the agent dies when the first is being stopped', async () => {
    const host = await running();
    void host.down().stopAll(host.crew().all(), never, never);
    await host.clock.advance(100);
    expect(wants(host)).toEqual(['app: held stopping', 'db: run running']);
    host.die();
    await host.boot();
    await host.clock.advance(20_000);
    expect(wants(host)).toEqual(['app: held idle', 'db: held idle']);
    expect([...host.world.live('app'), ...host.world.live('db')]).toEqual([]);
    expect((await host.stored()).values['goingDown']).toBeNull();
  });
  test('starts none of them again after a reboot that came in between', async () => {
    const host = await running();
    void host.down().stopAll(host.crew().all(), never, never);
    await host.clock.advance(100);
    host.die();
    for (const worker of ['app', 'db']) for (const one of host.world.live(worker)) host.world.end(one, { signal: 'SIGKILL' });
    await host.boot();
    await host.clock.advance(20_000);
    expect(host.world.starts).toHaveLength(2);
    expect(wants(host)).toEqual(['app: held idle', 'db: held idle']);
  });
  test('holds also what it meant and the store does not know, once that is found', async () => {
    const host = await scriptedHost();
    await host.declare('web');
    await host.clock.advance(100);
    // It had been found by that agent too, and its row was on its way to the disk still.
    await host.crew().services.journal.record({ values: { goingDown: ['web'] }, forgetWorkers: ['web'] });
    host.die();
    await host.boot();
    await host.clock.advance(20_000);
    expect([wants(host), host.world.live('web')]).toEqual([['web: held idle'], []]);
    expect((await host.stored()).values['goingDown']).toBeNull();
  });
  test('that was called off is one for no agent to come', async () => {
    const host = await running();
    const callOff = new AbortController();
    const isDone = host.down().stopAll(host.crew().all(), callOff.signal, never);
    await host.clock.advance(100);
    callOff.abort();
    expect(await isDone).toBe(false);
    await host.clock.advance(10_000);
    host.die();
    await host.boot();
    await host.clock.advance(10_000);
    expect(wants(host)).toEqual(['app: held idle', 'db: run running']);
  });
  test('is one for the next agent also where another one was called off beside it', async () => {
    const host = await running();
    const callOff = new AbortController();
    void host.down().stopAll(host.crew().all(), callOff.signal, never);
    void host.down().stopAll(host.crew().all(), never, never);
    await host.clock.advance(100);
    callOff.abort();
    await host.clock.advance(100);
    expect(wants(host)).toEqual(['app: held stopping', 'db: run running']);
    host.die();
    await host.boot();
    await host.clock.advance(20_000);
    expect(wants(host)).toEqual(['app: held idle', 'db: held idle']);
  });
  test('that nobody waits for any more goes on in its order', async () => {
    const host = await running(60_000);
    const late = new AbortController();
    const isDone = host.down().stopAll(host.crew().all(), never, late.signal);
    await host.clock.advance(100);
    late.abort();
    expect([await isDone, stopped(host)]).toEqual([false, ['app']]);
    await host.clock.advance(70_000);
    expect([wants(host), stopped(host)]).toEqual([
      ['app: held idle', 'db: held idle'],
      ['app', 'db'],
    ]);
  });
  test('that nobody waits for any more is called off by whoever starts something', async () => {
    const host = await running(60_000);
    const late = new AbortController();
    void host.down().stopAll(host.crew().all(), never, late.signal);
    await host.clock.advance(100);
    late.abort();
    host.down().callOff();
    await host.clock.advance(70_000);
    expect([wants(host), (await host.stored()).values['goingDown']]).toEqual([['app: held idle', 'db: run running'], null]);
  });
  test('that somebody waits for is called off by nobody else', async () => {
    const host = await running();
    const isDone = host.down().stopAll(host.crew().all(), never, never);
    await host.clock.advance(100);
    host.down().callOff();
    await host.clock.advance(10_000);
    expect([await isDone, wants(host)]).toEqual([true, ['app: held idle', 'db: held idle']]);
  });
  test('is forgotten once it is done, however full the disk was then', async () => {
    const host = await running(10);
    const isDone = host.down().stopAll(host.crew().all(), never, never);
    await host.clock.advance(1000);
    expect(await isDone).toBe(true);
    const again = host.down().stopAll(host.crew().all(), never, never);
    await host.clock.settle();
    host.faults.full();
    await host.clock.advance(5000);
    host.faults.full(false);
    await host.clock.advance(5000);
    expect([await again, (await host.stored()).values['goingDown']]).toEqual([true, null]);
  });
  test('ends with its agent for nobody: the next one holds the rest', async () => {
    const host = await running();
    const callOff = new AbortController();
    void host.down().stopAll(host.crew().all(), callOff.signal, never);
    await host.clock.advance(100);
    host.down().close();
    callOff.abort();
    await host.clock.advance(100);
    host.die();
    await host.boot();
    await host.clock.advance(20_000);
    expect(wants(host)).toEqual(['app: held idle', 'db: held idle']);
  });
});
