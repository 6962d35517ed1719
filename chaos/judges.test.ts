import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Span } from './acts.ts';
import type { Member } from './fleet.ts';
import { deathOf, type Evidence, holdOf, orderOf } from './judges.ts';
import { Spans } from './spans.ts';
import { World } from './world.ts';

const plain = { kind: 'service', probe: 'none', readyMs: null, livesMs: 0, code: 0, isStubborn: false } as const;
const fleet: readonly Member[] = [
  { ...plain, index: 0, name: 'base', probe: 'exec', readyMs: 100, dependsOn: new Map() },
  { ...plain, index: 1, name: 'top', dependsOn: new Map([[0, 'healthy']]) },
  { ...plain, index: 2, name: 'job', kind: 'job', dependsOn: new Map() },
  { ...plain, index: 3, name: 'after', dependsOn: new Map([[2, 'completed']]) },
];

let place: string;
let spans: Spans;
let world: World;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'ostler-judges-'));
  spans = new Spans();
  world = new World(place);
});
afterEach(() => rmSync(place, { recursive: true }));

const kinds = ['started', 'second', 'ready', 'told', 'leaves'];
/** As a worker writes it: no such pid can live, so that it is found dead as soon as it is looked at. */
function record(atMs: number, index: number, kind: string, pid: number, value = 0, forkedMs = atMs): void {
  const bytes = Buffer.alloc(32);
  bytes.writeBigUInt64LE(BigInt(atMs) * 1_000_000n, 0);
  for (const [at, part] of [index, kinds.indexOf(kind), pid].entries()) bytes.writeUInt32LE(part, 8 + at * 4);
  bytes.writeInt32LE(value, 20);
  bytes.writeBigUInt64LE(BigInt(forkedMs) * 1_000_000n, 24);
  appendFileSync(join(place, 'records'), bytes);
}
const dead = 5_000_000;
function seen(killed: Evidence['killed'] = new Map()): Evidence {
  world.look();
  return { world, spans, fleet, killed };
}
let spanId = 0;
const span = (kind: Span['kind'], index: number | null, fromMs: number, toMs: number | null): void =>
  spans.take({ id: spanId++, kind, index, fromMs, toMs, why: 'a test' });
const last = (index: number) => world.of(index).at(-1)!;

test('a start beside a dependency that was never started is told', () => {
  record(10_000, 1, 'started', dead);
  const evidence = seen();
  expect(orderOf(last(1), evidence)).toMatch(/base had never been started/);
});

test('a dependency counts from its fork on: a busy machine may let those that wait for it speak first', () => {
  const waits = new Map([[0, 'started'] as const]);
  record(10_000, 1, 'started', dead);
  record(10_005, 0, 'started', dead + 1, 0, 9_990);
  const evidence = { ...seen(), fleet: fleet.map((one) => (one.index === 1 ? { ...one, dependsOn: waits } : one)) };
  expect(orderOf(last(1), evidence)).toBe(null);
});

test('a start before its dependency is ready is told, and one after it is not', () => {
  record(10_000, 0, 'started', dead);
  record(10_050, 1, 'started', dead + 1);
  record(10_100, 0, 'ready', dead);
  record(10_150, 1, 'started', dead + 2);
  const evidence = seen();
  const [early, late] = world.of(1);
  expect(orderOf(early!, evidence)).toMatch(/base ran and was not ready yet/);
  expect(orderOf(late!, evidence)).toBeNull();
});

test('a dependency that died before the start could be decided on is told; time in which the agent could do nothing does not count', () => {
  record(10_000, 0, 'started', dead);
  record(10_100, 0, 'ready', dead);
  world.look();
  last(0).deadMs = 11_000;
  record(20_000, 1, 'started', dead + 1);
  const evidence = seen();
  expect(orderOf(last(1), evidence)).toMatch(/base was dead, 9000 ms before \(5000 ms may lie between\)/);
  span('unable', null, 12_000, 19_000);
  expect(orderOf(last(1), evidence)).toBeNull();
});

test('a job has come to its end when it left with 0, not with another code', () => {
  record(10_000, 2, 'started', dead);
  record(10_100, 2, 'leaves', dead, 1);
  record(10_200, 3, 'started', dead + 1);
  const evidence = seen();
  expect(orderOf(last(3), evidence)).toMatch(/job had never come to its end/);
  record(10_300, 2, 'started', dead + 2);
  record(10_400, 2, 'leaves', dead + 2, 0);
  record(10_500, 3, 'started', dead + 3);
  seen();
  expect(orderOf(last(3), evidence)).toBeNull();
});

test('a death that nobody wished, and that the run did not bring about, is told', () => {
  record(10_000, 0, 'started', dead);
  world.look();
  Object.assign(last(0), { aliveMs: 50_000, deadMs: 50_040 });
  expect(deathOf(last(0), seen())).toMatch(/without a SIGTERM, and nobody had wished it/);
  expect(deathOf(last(0), seen(new Map([[`0/${dead}`, 49_990]])))).toBeNull();
  span('may stop', 0, 20_000, 30_000);
  expect(deathOf(last(0), seen())).not.toBeNull();
  span('may stop', 0, 20_000, 45_000);
  expect(deathOf(last(0), seen())).toBeNull();
});

test('a start of what a person holds is told', () => {
  span('held', 0, 9000, 11_000);
  record(10_000, 0, 'started', dead);
  record(12_000, 0, 'started', dead + 1);
  const evidence = seen();
  expect(world.of(0).map((one) => holdOf(one, evidence) !== null)).toEqual([true, false]);
});

test('a second life beside the first is told by the lock of the worker', () => {
  record(10_000, 0, 'started', dead);
  record(10_010, 0, 'second', dead + 1);
  seen();
  expect(world.seconds).toEqual([{ index: 0, pid: dead + 1, atMs: 10_010 }]);
});
