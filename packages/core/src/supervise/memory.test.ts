import type { RuntimeDriver } from '@ostler/sdk';
import { fakeClock } from '@ostler/testkit';
import { expect, test } from 'vitest';
import { StuckCalls } from '../base/stuck-calls.ts';
import { MemoryWatch } from './memory.ts';
import type { RuntimeAccess } from './services.ts';

/** Two runtimes: each worker of `good` uses 100 bytes, and `hung` never says what its use. */
function watching() {
  const clock = fakeClock();
  const stuck = new StuckCalls();
  const asked = { good: 0, hung: 0 };
  const stats: Record<string, RuntimeDriver['stats']> = {
    good: async (targets) => {
      asked.good += 1;
      return targets.map(() => ({ memoryBytes: 100, memoryLimitBytes: null, cpuMs: 0, processes: 1 })) as never;
    },
    hung: () => {
      asked.hung += 1;
      return new Promise(() => {});
    },
  };
  const runtime = (name: string) => ({ name, plugin: name, isUp: () => true, driver: { stats: stats[name] } }) as unknown as RuntimeAccess;
  const memory = new MemoryWatch({ clock, stuck, inPlugin: (_, run) => run(), runtime });
  const told: string[] = [];
  const watch = (name: string) => memory.watch({ runtime: name, target: {} as never, aboveBytes: 10, onAbove: (text) => void told.push(`${name}: ${text}`) });
  return { clock, stuck, asked, told, watch, memory };
}

test('a runtime that never says what its workers use delays no other, and is asked once', async () => {
  const { clock, stuck, asked, told, watch } = watching();
  watch('hung');
  watch('good');
  await clock.advance(15_000);
  expect(told).toEqual(['good: 100 B after 3 looks that all found more than 10 B']);
  await clock.advance(120_000);
  expect([asked.hung, stuck.list().length]).toEqual([1, 1]);
});

test('nothing is asked once nobody watches, and again for who watches next', async () => {
  const { clock, asked, told, watch } = watching();
  const end = watch('good');
  await clock.advance(5000);
  end();
  await clock.advance(60_000);
  expect([asked.good, told]).toEqual([1, []]);
  watch('good');
  await clock.advance(15_000);
  expect(told).toHaveLength(1);
});
