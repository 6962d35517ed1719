import { expect, test } from 'vitest';
import { fakeClock } from './fake-clock.ts';

test('timers run in order of their time, and see the time that they were due at', async () => {
  const clock = fakeClock(0);
  const seen: string[] = [];
  clock.after(30, () => seen.push(`c ${String(clock.nowMs())}`));
  clock.after(10, () => seen.push(`a ${String(clock.nowMs())}`));
  clock.after(10, () => clock.after(5, () => seen.push(`b ${String(clock.nowMs())}`)));
  const cancel = clock.after(20, () => seen.push('never'));
  cancel();
  await clock.advance(29);
  expect(seen).toEqual(['a 10', 'b 15']);
  await clock.advance(1);
  expect(seen).toEqual(['a 10', 'b 15', 'c 30']);
  expect(clock.waiting).toBe(0);
});

test('what waited for a timer has gone on before the next one runs', async () => {
  const clock = fakeClock();
  const seen: string[] = [];
  const walk = async (): Promise<void> => {
    await clock.sleep(10);
    await Promise.resolve();
    seen.push('first');
    await clock.sleep(10);
    seen.push('third');
  };
  const walking = walk();
  clock.after(15, () => seen.push('second'));
  await clock.advance(20);
  await walking;
  expect(seen).toEqual(['first', 'second', 'third']);
});

test('an aborted sleep rejects with the reason, and leaves no timer behind', async () => {
  const clock = fakeClock();
  const stop = new AbortController();
  const sleeping = clock.sleep(1000, stop.signal);
  stop.abort(new Error('enough'));
  await expect(sleeping).rejects.toThrow('enough');
  await expect(clock.sleep(1, stop.signal)).rejects.toThrow('enough');
  expect(clock.waiting).toBe(0);
});

test("a jump of the host's clock moves nowMs, and neither timers nor monotonicMs", async () => {
  const clock = fakeClock(Date.UTC(2031, 0, 1));
  let hasRun = false;
  clock.after(100, () => {
    hasRun = true;
  });
  clock.jump(-3_600_000);
  expect(clock.isoNow()).toBe('2030-12-31T23:00:00.000Z');
  await clock.advance(99);
  expect([hasRun, clock.monotonicMs()]).toEqual([false, 99]);
  await clock.advance(1);
  expect(hasRun).toBe(true);
});
