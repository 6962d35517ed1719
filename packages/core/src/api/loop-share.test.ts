import { expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { LoopShare } from './loop-share.ts';

test('streams that never have to wait by themselves leave the loop its turns', async () => {
  const share = new LoopShare(systemClock);
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
  }, 1);
  const end = performance.now() + 5000;
  const steps = [0, 0, 0];
  // Each record would be there at once, and its write taken at once.
  await Promise.all(
    steps.map(async (_, stream) => {
      for (; turns < 20 && performance.now() < end; steps[stream]! += 1) await share.next();
    }),
  );
  clearInterval(timer);
  expect(turns).toBeGreaterThanOrEqual(20);
  // None at the cost of the others.
  expect(Math.min(...steps)).toBeGreaterThan(Math.max(...steps) / 2);
});
