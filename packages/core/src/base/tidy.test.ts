import { getHeapStatistics } from 'node:v8';
import { expect, it } from 'vitest';
import { systemClock } from './clock.ts';
import { keepTidy } from './tidy.ts';

/** Old enough by then to have left the young generation, and needed by nobody. */
function litter(): void {
  const kept: object[] = [];
  for (let count = 0; count < 600_000; count += 1) kept.push({ count, twice: [count, count] });
}

it('what the loop needed for a moment is given back to the system', () => {
  litter();
  const before = getHeapStatistics().total_heap_size;
  const due: (() => void)[] = [];
  const end = keepTidy({
    ...systemClock,
    after: (_ms, run) => {
      due.push(run);
      return () => {};
    },
  });
  due[0]?.();
  expect(getHeapStatistics().total_heap_size).toBeLessThan(before - 16 * 2 ** 20);
  end();
});

it('an agent that needs it again each time is paused less and less often', () => {
  const waits: number[] = [];
  let look = (): void => {};
  const end = keepTidy({
    ...systemClock,
    after: (ms, run) => {
      waits.push(ms);
      look = run;
      return () => {};
    },
  });
  for (let times = 0; times < 3; times += 1) {
    litter();
    look();
  }
  look();
  expect(waits).toEqual([3000, 15_000, 30_000, 60_000, 15_000]);
  end();
});
