import { describe, expect, test } from 'vitest';
import { type ScriptedHost, scriptedHost } from './fixtures/host.ts';
import { probing, stateAt } from './fixtures/probing.ts';

const asks = { health: { image: true } };
const failed = { failures: 3, code: 1, output: 'hunter2-hunter2 is wrong\n' };

const refOf = (host: ScriptedHost) => host.world.live('web')[0]!;
const why = async (host: ScriptedHost) => (await host.journal()).findLast(({ type }) => type === 'worker.unhealthy')?.text;

describe('a worker whose image is checked by its engine', () => {
  test('is what the engine says, as soon as it turns; unhealthy, it is started anew', async () => {
    const host = await scriptedHost({ web: { health: 'starting' } });
    await host.declare('web', asks);
    const prober = probing(host);
    expect(await stateAt(host, 60_000)).toBe('running');
    host.world.turn(refOf(host), 'healthy');
    expect(await stateAt(host, 10)).toBe('healthy');
    host.world.turn(refOf(host), 'unhealthy', failed);
    await host.clock.advance(10);
    expect(await why(host)).toMatch(/Unhealthy after 3 failed probes: the check of its image exited with 1: hunter2-hunter2 is wrong\./);
    expect(host.world.starts).toHaveLength(2);
    prober.close();
  });

  test('is left alone where it is only to be reported, and its check shows no secret', async () => {
    const host = await scriptedHost({ web: { health: 'starting' } }, { PASSWORD: 'hunter2-hunter2' });
    await host.declare('web', { health: { image: true, onUnhealthy: 'report' } });
    const prober = probing(host);
    host.world.turn(refOf(host), 'unhealthy', failed);
    expect(await stateAt(host, 10)).toBe('unhealthy');
    expect(await why(host)).toMatch(/exited with 1: \*\*\* is wrong\./);
    expect(host.world.starts).toHaveLength(1);
    prober.close();
  });

  test('is judged by an agent that comes later, also by what turned while there was none', async () => {
    const host = await scriptedHost({ web: { health: 'healthy' } });
    await host.declare('web', asks);
    const prober = probing(host);
    expect(await stateAt(host, 10)).toBe('healthy');
    prober.close();
    host.die();
    host.world.turn(refOf(host), 'unhealthy', failed);
    await host.boot();
    const next = probing(host);
    await host.clock.advance(10);
    expect(await why(host)).toContain('the check of its image exited with 1');
    next.close();
  });

  test('is healthy once it is up for long enough where the engine has no opinion, or it does not count', async () => {
    for (const [script, written] of [
      [{}, asks],
      [{ health: 'unhealthy' }, { health: { image: false } }],
    ] as const) {
      const host = await scriptedHost({ web: script });
      await host.declare('web', written);
      const prober = probing(host);
      expect(await stateAt(host, 9_000)).toBe('running');
      expect(await stateAt(host, 1_100)).toBe('healthy');
      prober.close();
    }
  });
});
