import type { Run } from '@ostler/sdk';
import { describe, expect, test } from 'vitest';
import { scriptedHost } from './fixtures/host.ts';

/** A host whose driver tells what each start was given. */
async function listened(scripts: Parameters<typeof scriptedHost>[0] = {}) {
  const host = await scriptedHost(scripts);
  const runs: { readonly worker: string; readonly instance: string; readonly run: Run }[] = [];
  const boot = async () => {
    const driver = host.driver();
    return host.boot({
      ...driver,
      start(ref, run, call) {
        runs.push({ worker: ref.worker, instance: ref.instance, run });
        return driver.start(ref, run, call);
      },
    });
  };
  host.die();
  await boot();
  return { host, boot, of: (worker: string) => runs.filter((one) => one.worker === worker) };
}
const sharing = { networkMode: 'worker:vpn' };

describe('a worker that shares the network of another', () => {
  test('is started when that one runs, and is told which instance it is', async () => {
    const { host, of } = await listened();
    await host.declare('web', sharing);
    await host.clock.advance(60_000);
    expect(of('web')).toEqual([]);
    expect(host.crew().get('web')?.life.reason).toContain('vpn');
    await host.declare('vpn');
    await host.clock.advance(1000);
    expect(of('web').map(({ run }) => run.shares?.ref)).toEqual([host.world.live('vpn')[0]]);
    expect(of('vpn').map(({ run }) => run.shares)).toEqual([null]);
  });

  test('is started anew with each new instance of it, also of one that came while no agent ran', async () => {
    const { host, boot, of } = await listened();
    await host.declare('vpn');
    await host.declare('web', sharing);
    await host.clock.advance(1000);
    host.world.end(host.world.live('vpn')[0]!, { code: 1 });
    await host.clock.advance(5000);
    expect(of('web')).toHaveLength(2);
    expect(of('web')[1]?.run.shares?.ref).toEqual(host.world.live('vpn')[0]);
    expect((await host.journal()).filter(({ worker, type }) => worker === 'web' && type === 'worker.stopping').map(({ data }) => data)).toEqual([
      expect.objectContaining({ cause: 'dependency' }),
    ]);
    host.die();
    host.world.end(host.world.live('vpn')[0]!, { code: 1 });
    await boot();
    await host.clock.advance(5000);
    expect(of('web')).toHaveLength(3);
    expect(of('web')[2]?.run.shares?.ref).toEqual(host.world.live('vpn')[0]);
  });

  test('stops when that one is held, and comes back with it', async () => {
    const { host } = await listened();
    await host.declare('vpn');
    await host.declare('web', sharing);
    await host.clock.advance(1000);
    await host.crew().get('vpn')!.send({ type: 'hold', by: 'user', cause: 'held' });
    await host.clock.advance(5000);
    expect([host.world.live('vpn'), host.world.live('web')]).toEqual([[], []]);
    await host.crew().get('vpn')!.send({ type: 'start', by: 'user', cause: 'user' });
    await host.clock.advance(5000);
    expect([host.world.live('vpn').length, host.world.live('web').length]).toEqual([1, 1]);
  });
});

describe('the policy of the host', () => {
  test('is asked before each start: what runs, runs on, what ended waits until it is let, and then starts', async () => {
    const { host, of } = await listened();
    await host.declare('web');
    await host.clock.advance(1000);
    let no: string | null = 'leave by the policy of the host file';
    const asked: string[] = [];
    Object.assign(host.crew().services, {
      forbidden: ({ spec, runtime }: { spec: { name: string }; runtime: string }) => {
        asked.push(`${spec.name} on ${runtime}`);
        return no;
      },
    });
    await host.clock.advance(60_000);
    expect(host.world.live('web')).toHaveLength(1);
    host.world.end(host.world.live('web')[0]!, { code: 1 });
    await host.clock.advance(60_000);
    expect(of('web')).toHaveLength(1);
    expect(host.crew().get('web')?.life).toMatchObject({ phase: 'waiting', reason: 'waiting for leave by the policy of the host file' });
    expect(new Set(asked)).toEqual(new Set(['web on fake']));
    no = null;
    host.crew().update();
    await host.clock.advance(1000);
    expect(host.world.live('web')).toHaveLength(1);
  });
});
