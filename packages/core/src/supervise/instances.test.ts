import { expect, test } from 'vitest';
import { scriptedHost } from './fixtures/host.ts';

const hourMs = 3_600_000;

test('the last runs are kept and the older ones go, also after the clock was set back by a day, and with the next agent', async () => {
  const host = await scriptedHost({ tick: { exit: { afterMs: 1000, code: 0 } } });
  await host.declare('tick', { schedule: { cron: '0 * * * *', timezone: 'UTC' } });
  const kept = (): readonly string[] =>
    host
      .crew()
      .get('tick')!
      .instances.all()
      .map(({ instance }) => instance.replace(/^i0+/, ''));
  await host.clock.advance(4.5 * hourMs);
  expect(kept()).toEqual(['1', '2', '3', '4']);
  host.clock.jump(-24 * hourMs);
  await host.clock.advance(hourMs);
  expect(kept()).toEqual(['2', '3', '4', '5']);
  host.die();
  await host.boot();
  expect(kept()).toEqual(['2', '3', '4', '5']);
  await host.clock.advance(3 * hourMs);
  expect(kept()).toEqual(['5', '6', '7', '8']);
});
