import { expect, test } from 'vitest';
import { Order } from './order.ts';
import type { Supervisor } from './supervisor.ts';

interface Says {
  priority?: number;
  dependsOn?: readonly string[];
}

/** As much of a supervisor as an order reads. */
function worker(name: string, says: Says = {}): Supervisor & { says: Says } {
  const one = {
    worker: name,
    says,
    life: { instanceGeneration: null },
    generation: () => null,
    normal: (of?: null) =>
      of === null ? null : { rules: { priority: 500, ...one.says, dependsOn: (one.says.dependsOn ?? []).map((on) => ({ worker: on })) } },
  };
  return one as unknown as Supervisor & { says: Says };
}

const names = (some: readonly Supervisor[]): string => some.map((one) => one.worker).join(' ');

test('those of a higher priority start first, the others by name', () => {
  const order = new Order();
  for (const one of [worker('c'), worker('a'), worker('b', { priority: 900 })]) order.add(one);
  expect(names(order.byName())).toBe('a b c');
  expect(names(order.toStart())).toBe('b a c');
});

test('a worker whose definition changed is where its new one says, and among the dependents of those that it names now', () => {
  const order = new Order();
  const [web, db, cache] = [worker('web', { dependsOn: ['db'] }), worker('db'), worker('cache')];
  for (const one of [web, db, cache]) order.add(one);
  expect(names(order.dependents('db'))).toBe('web');
  web.says = { dependsOn: ['cache'], priority: 1 };
  order.changed(web);
  expect([names(order.dependents('db')), names(order.dependents('cache'))]).toEqual(['', 'web']);
  expect(names(order.toStart())).toBe('cache db web');
});

test('one that was removed depends on nothing any more, also where it changed just before', () => {
  const order = new Order();
  const [web, db] = [worker('web', { dependsOn: ['db'] }), worker('db')];
  order.add(web);
  order.add(db);
  expect(names(order.dependents('db'))).toBe('web');
  order.changed(web);
  order.remove(web);
  expect([names(order.dependents('db')), names(order.byName()), names(order.toStart())]).toEqual(['', 'db', 'db']);
});
