import { expect, test } from 'vitest';
import { openBus } from './index.ts';

test('every reader gets everything from its subscription on, in order, and ends with its signal', async () => {
  const bus = openBus<number>();
  bus.publish([0]);
  const stop = new AbortController();
  const early = bus.subscribe(stop.signal);
  bus.publish([1, 2]);
  const late = bus.subscribe(new AbortController().signal);
  bus.publish([3]);
  const take = async (reader: typeof early) => {
    const { value, done } = await reader.next();
    return done ? 'end' : value.is === 'item' ? value.item : 'gap';
  };
  expect([await take(early), await take(early), await take(early), await take(late)]).toEqual([1, 2, 3, 3]);
  const next = take(early);
  stop.abort();
  expect(await next).toBe('end');
  const last = take(late);
  bus.publish([4]);
  bus.close();
  expect(['end', 4]).toContain(await last);
  expect(await take(late)).toBe('end');
});

test('a slow reader holds no more than the capacity: it is told of a gap and hears what comes after', async () => {
  const bus = openBus<number>(3);
  const reader = bus.subscribe(new AbortController().signal);
  const quick = bus.subscribe(new AbortController().signal);
  const heard: number[] = [];
  for (let n = 0; n < 1000; n++) {
    bus.publish([n]);
    const { value } = await quick.next();
    if (value?.is === 'item') heard.push(value.item);
  }
  expect(heard).toHaveLength(1000);
  expect((await reader.next()).value).toEqual({ is: 'gap' });
  bus.publish([1000]);
  expect((await reader.next()).value).toEqual({ is: 'item', item: 1000 });
});

test('a reader that left hears no more and is not kept', async () => {
  const bus = openBus<number>(3);
  const reader = bus.subscribe(new AbortController().signal);
  await reader.return?.();
  bus.publish([1]);
  expect((await reader.next()).done).toBe(true);
});
