import type { Call } from '@ostler/sdk';
import { describe, expect, test } from 'vitest';
import { type ScriptedHost, scriptedHost } from './fixtures/host.ts';
import { probing, stateAt } from './fixtures/probing.ts';

const tells = { health: { notify: { watchdog: '10s' } } };
const call: Call = { signal: new AbortController().signal, deadlineMs: 0, progress() {}, output() {} };
const statusOf = async (host: ScriptedHost) => (await host.probes[0]?.notified?.(call))?.status;
describe('a worker that tells of itself by sd_notify(3)', () => {
  test('is healthy within a moment of READY=1, unhealthy when it falls silent, and so with the next agent', async () => {
    const signs = Array.from({ length: 12 }, (_, index) => ({ afterMs: 4000 + index * 5000, message: 'WATCHDOG=1' }));
    const host = await scriptedHost({ web: { says: [{ afterMs: 3000, message: 'READY=1\nSTATUS=serving' }, ...signs] } });
    await host.declare('web', tells);
    const prober = probing(host);
    expect(await stateAt(host, 2900)).toBe('running');
    expect(await stateAt(host, 300)).toBe('healthy');
    expect(await stateAt(host, 20_000)).toBe('healthy');
    prober.close();
    host.die();
    await host.clock.advance(20_000);
    await host.boot();
    const next = probing(host);
    expect(await stateAt(host, 15_000)).toBe('healthy');
    // The last sign of life was after 59 s.
    await host.clock.advance(60_000);
    const told = (await host.journal()).find(({ type }) => type === 'worker.unhealthy')?.text;
    expect(told).toMatch(/Unhealthy after 3 failed probes: said WATCHDOG=1 last \d+\.\d s ago, expected every 10 s; its status: serving\./);
    expect(host.world.starts).toHaveLength(2);
    next.close();
  });

  test('has its status shown without the values of its secrets, and not at all by an agent that does not know them', async () => {
    const host = await scriptedHost({ web: { says: [{ afterMs: 0, message: 'STATUS=logged in with hunter2-hunter2' }] } }, { PASSWORD: 'hunter2-hunter2' });
    await host.declare('web', tells);
    await host.clock.advance(10);
    expect(await statusOf(host)).toBe('logged in with ***');
    host.die();
    await host.boot();
    await host.clock.advance(10);
    expect(host.world.live('web')).toHaveLength(1);
    expect(await statusOf(host)).toBeNull();
  });

  test('has its status shown by the next agent where it has no secrets', async () => {
    const host = await scriptedHost({ web: { says: [{ afterMs: 0, message: 'STATUS=serving' }] } });
    await host.declare('web', tells);
    host.die();
    await host.boot();
    await host.clock.advance(10);
    expect(await statusOf(host)).toBe('serving');
  });

  test('is not asked through a runtime that does not hear', async () => {
    const host = await scriptedHost();
    await host.declare('web', tells);
    expect(host.probes[0]?.notified).not.toBeNull();
    host.die();
    const { notified, ...deaf } = host.driver();
    await host.boot(deaf);
    await host.clock.advance(10);
    expect(host.probes.map((probe) => probe.notified)).toEqual([null]);
  });
});
