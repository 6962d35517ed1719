import type { Usage } from '@ostler/sdk';
import { describe, expect, test } from 'vitest';
import { scriptedHost } from './fixtures/host.ts';
import { oldAtMs } from './restart.ts';

const hourMs = 3_600_000;
const mebi = 2 ** 20;
const used = (memoryBytes: number | null): Usage => ({ cpuNs: null, memoryBytes, ioBytes: null, processes: null, gpu: null });
type Host = Awaited<ReturnType<typeof scriptedHost>>;

const stops = async (host: Host) => (await host.journal()).filter(({ type }) => type === 'worker.stopping').map(({ text }) => text);
const starts = (host: Host) => host.world.starts.map(({ atMs }) => new Date(atMs).toISOString().slice(8, 19));

describe('a worker that uses more memory than its rule allows', () => {
  /** `usages`: what each look finds, the last one ever after. */
  async function using(usages: readonly (number | null | 'fails')[]) {
    const host = await scriptedHost();
    host.die();
    let looks = 0;
    const asked: string[][] = [];
    await host.boot({
      ...host.driver(),
      stats: async (targets) => {
        asked.push(targets.map(({ ref }) => ref.worker));
        const now = usages[Math.min(looks++, usages.length - 1)]!;
        if (now === 'fails') throw new Error('no answer');
        return targets.map(() => used(now));
      },
    });
    return { host, asked };
  }
  const rule = { restart: { memoryAbove: '64MiB' } };

  test('is started anew after several looks in a row, with what was found', async () => {
    const { host } = await using([10 * mebi, 80 * mebi, 80 * mebi, 81.5 * mebi, 10 * mebi]);
    await host.declare('web', rule);
    await host.clock.advance(19_000);
    expect(host.world.starts).toHaveLength(1);
    await host.clock.advance(2000);
    expect(host.world.starts).toHaveLength(2);
    expect(await stops(host)).toEqual(['Stopping: it used more memory than its restart rule allows: 81.5 MiB after 3 looks that all found more than 64 MiB.']);
    expect(host.crew().get('web')!.life).toMatchObject({ phase: 'running', startCause: 'memory', restarts: 1 });
    await host.clock.advance(hourMs);
    expect(host.world.starts).toHaveLength(2);
  });
  test('is left alone after a peak, and while nobody can tell', async () => {
    const { host } = await using([80 * mebi, 80 * mebi, 10 * mebi, 80 * mebi, null, 80 * mebi, 'fails', 10 * mebi, null]);
    await host.declare('web', rule);
    await host.clock.advance(600_000);
    expect(host.world.starts).toHaveLength(1);
  });
  test('is started anew also when some looks between could not tell', async () => {
    const { host } = await using([80 * mebi, null, 80 * mebi, 'fails', 80 * mebi, 10 * mebi]);
    await host.declare('web', rule);
    await host.clock.advance(26_000);
    expect(host.world.starts).toHaveLength(2);
  });
  test('is slowed when it does so each time', async () => {
    const { host } = await using([80 * mebi]);
    await host.declare('web', rule);
    await host.clock.advance(hourMs);
    expect(await host.told('web')).toContain('crash-looping');
    // 240 times, were it not slowed.
    expect(host.world.starts.length).toBeLessThan(60);
  });
  test('is looked at together with the others, and no longer once it is stopped', async () => {
    const { host, asked } = await using([10 * mebi]);
    await host.declare('web', rule);
    await host.declare('db', rule);
    await host.declare('plain');
    await host.clock.advance(5000);
    expect(asked).toEqual([['web', 'db']]);
    for (const name of ['web', 'db']) await host.crew().get(name)!.send({ type: 'hold', by: 'user', cause: 'held' });
    await host.clock.advance(20_000);
    expect(asked).toHaveLength(1);
  });
});

describe('a worker that may get only so old', () => {
  test('is started anew within the last tenth of its age, also by the next agent', async () => {
    const host = await scriptedHost();
    await host.declare('web', { restart: { maxAge: '10h' } });
    await host.clock.advance(5 * hourMs);
    host.die();
    await host.boot();
    await host.clock.advance(3.9 * hourMs);
    expect(host.world.starts).toHaveLength(1);
    await host.clock.advance(1.2 * hourMs);
    expect(host.world.starts).toHaveLength(2);
    expect(await stops(host)).toEqual(['Stopping: it is as old as its restart rule lets it become.']);
    expect(host.crew().get('web')!.life).toMatchObject({ phase: 'running', startCause: 'age', failures: 0, restarts: 0 });
  });
  test('is not old at once because the clock of the host was wrong when it began', async () => {
    const host = await scriptedHost();
    await host.declare('web', { restart: { maxAge: '10h' } });
    await host.clock.advance(60_000);
    host.clock.jump(365 * 24 * hourMs);
    await host.clock.advance(8 * hourMs);
    expect(host.world.starts).toHaveLength(1);
  });
  test('of a thousand no two dozen go within one of a hundred parts of that time', () => {
    const parts = new Array<number>(100).fill(0);
    for (let index = 0; index < 1000; index += 1) {
      const at = oldAtMs(0, 1_000_000, `i${String(index).padStart(6, '0')}`);
      expect(at).toBeGreaterThan(900_000);
      expect(at).toBeLessThanOrEqual(1_000_000);
      parts[Math.min(99, Math.floor((at - 900_000) / 1000))]! += 1;
    }
    expect(Math.max(...parts)).toBeLessThan(24);
  });
});

describe('a worker that is restarted at a time of day', () => {
  // In the time zone of the host.
  const at = (hour: number) => new Date(Date.UTC(2030, 0, 1, hour)).getHours();
  test('is, each day, and its journal says why', async () => {
    const host = await scriptedHost();
    await host.declare('web', { restart: { at: `0 ${at(3)} * * *` } });
    await host.clock.advance(50 * hourMs);
    expect(starts(host).slice(1)).toEqual(['01T03:00:00', '02T03:00:00']);
    expect(await stops(host)).toEqual(['Stopping: it is restarted at this time.', 'Stopping: it is restarted at this time.']);
    expect(host.crew().get('web')!.life).toMatchObject({ phase: 'running', startCause: 'at', failures: 0 });
  });
  test('is not when the host slept at that time, nor twice when its clock is set back over it', async () => {
    const host = await scriptedHost();
    await host.declare('web', { restart: { at: `0 ${at(3)} * * *` } });
    await host.clock.advance(2 * hourMs);
    host.clock.jump(4 * hourMs);
    await host.clock.advance(hourMs);
    expect(host.world.starts).toHaveLength(1);
    await host.clock.advance(20.5 * hourMs);
    expect(starts(host).slice(1)).toEqual(['02T03:00:00']);
    host.clock.jump(-hourMs);
    await host.clock.advance(2 * hourMs);
    expect(host.world.starts).toHaveLength(2);
  });
  test('is not while it is stopped', async () => {
    const host = await scriptedHost();
    await host.declare('web', { restart: { at: `0 ${at(3)} * * *` } });
    await host.crew().get('web')!.send({ type: 'hold', by: 'user', cause: 'held' });
    await host.clock.advance(10 * hourMs);
    expect(host.world.starts).toHaveLength(1);
  });
});
