import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Age } from './age.ts';
import { askProbe } from './ask.ts';
import { asking } from './fixtures/asking.ts';
import { type ManualClock, manualClock } from './fixtures/manual-clock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostler-file-probe-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const ask = (options: object, given: Parameters<typeof asking>[0] = {}) => askProbe({ kind: 'file', options }, asking(given));
const never = Number.NEGATIVE_INFINITY;

describe('a probe of a file', () => {
  it('is good as long as the file is there', async () => {
    const path = join(folder, 'ready');
    expect(await ask({ path })).toEqual({ ok: false, evidence: `the file ${path} is not there` });
    writeFileSync(path, '');
    expect(await ask({ path })).toEqual({ ok: true, evidence: `the file ${path} is there` });
    symlinkSync('ready', join(folder, 'link'));
    expect((await ask({ path: join(folder, 'link') })).ok).toBe(true);
    rmSync(path);
    expect((await ask({ path: join(folder, 'link') })).ok).toBe(false);
  });

  it('says what stands in the place of a file', async () => {
    mkdirSync(join(folder, 'ready'));
    writeFileSync(join(folder, 'flat'), '');
    symlinkSync('loop', join(folder, 'loop'));
    const found = await Promise.all(['ready', 'flat/ready', 'loop'].map((name) => ask({ path: join(folder, name) })));
    expect(found.map(({ ok, evidence }) => [ok, evidence.replace(folder, '')])).toEqual([
      [false, 'the file /ready is a folder'],
      [false, 'the file /flat/ready: a part of its path is no folder'],
      [false, 'the file /loop: its symbolic links go in a circle'],
    ]);
  });

  it('is good only as long as the file is young enough', async () => {
    const path = join(folder, 'beat');
    writeFileSync(path, '');
    const young = await ask({ path, maxAge: 60_000 });
    expect(young.ok).toBe(true);
    expect(young.evidence).toMatch(/^the file .*beat was written \d\.\d s ago$/);
    const old = Date.now() / 1000 - 90;
    utimesSync(path, old, old);
    const stale = await ask({ path, maxAge: 60_000 });
    expect(stale.ok).toBe(false);
    expect(stale.evidence).toMatch(/beat was written 9\d\.\d s ago, expected within 60 s$/);
  });

  describe('when the time of day is set', () => {
    /** Monotonic time goes on, the time of day is set. */
    const host = (): { readonly clock: ManualClock; set(byMs: number): void; ask(): Promise<boolean>; touch(): void } => {
      const clock = manualClock();
      let dayMs = 1_700_000_000_000;
      const told = { ...clock, nowMs: () => dayMs + clock.monotonicMs() };
      const path = join(folder, 'beat');
      const fileAge = new Age(told, never);
      return {
        clock: told,
        set: (byMs) => {
          dayMs += byMs;
        },
        ask: async () => {
          const age = fileAge;
          const answer = askProbe({ kind: 'file', options: { path, maxAge: 60_000 } }, asking({ clock: told, fileAge: age }));
          return (await answer).ok;
        },
        touch: () => {
          writeFileSync(path, '');
          utimesSync(path, told.nowMs() / 1000, told.nowMs() / 1000);
        },
      };
    };

    it('forward, a worker that writes its file does not pass for hung', async () => {
      const one = host();
      one.touch();
      expect(await one.ask()).toBe(true);
      await one.clock.advance(10_000);
      one.touch();
      one.set(3_600_000);
      expect(await one.ask()).toBe(true);
      await one.clock.advance(10_000);
      one.touch();
      expect(await one.ask()).toBe(true);
    });

    it('back, a worker that has fallen silent does not pass for alive', async () => {
      const one = host();
      one.touch();
      expect(await one.ask()).toBe(true);
      one.set(-3_600_000);
      await one.clock.advance(59_000);
      expect(await one.ask()).toBe(true);
      await one.clock.advance(2000);
      expect(await one.ask()).toBe(false);
    });
  });
});
