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
