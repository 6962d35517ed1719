import { expect, test } from 'vitest';
import { runSchedule } from './schedule.ts';

test('no invariant breaks in 150 stories of engines, disks, agents and users', async () => {
  for (let seed = 1; seed <= 150; seed++) {
    const { violation } = await runSchedule({ seed });
    expect(violation, `npm run simulate -- --replay ${seed}`).toBeNull();
  }
}, 120_000);

test('the same seed tells the same story', async () => {
  const told = async (): Promise<readonly string[]> => {
    const story: string[] = [];
    await runSchedule({ seed: 7, onStep: (text) => story.push(text) });
    return story;
  };
  const first = await told();
  expect(first.length).toBeGreaterThan(100);
  expect(await told()).toEqual(first);
});
