import assert from 'node:assert/strict';
import type { Json } from '@ostler/sdk';
import { absent } from './absent.ts';
import type { ConformanceCase } from './case.ts';
import { damageInstance } from './damage.ts';
import { failureOf } from './failure-of.ts';

/** The same data with each occurrence of `from`, as number or as text, replaced; `null` if there is none. */
function replaced(data: Json, from: number, to: number): Json | null {
  let hits = 0;
  const walk = (value: Json): Json => {
    if (value === from || value === String(from)) {
      hits += 1;
      return typeof value === 'number' ? to : String(to);
    }
    if (Array.isArray(value)) return value.map(walk);
    if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner)]));
    return value;
  };
  const made = walk(data);
  return hits === 0 ? null : made;
}

export const identity: readonly ConformanceCase[] = [
  {
    id: 'inspect-finds-by-the-ref-alone',
    line: 'ref = who, handle = where. Only a cache: every call works with `null` and finds the instance by its ref',
    run: async (kit) => {
      const { ref, target, observed } = await kit.start(['wait']);
      const byHandle = await kit.inspect(target);
      const byRef = await kit.inspect({ ref, handle: null });
      assert.equal(byHandle.is, 'running');
      assert.equal(byRef.is, 'running');
      assert.deepEqual(byRef.is === 'running' && byRef.ref, ref);
      assert.equal(byRef.is === 'running' && byRef.startedAt, observed.is === 'running' && observed.startedAt);
    },
  },
  {
    id: 'inspect-believes-the-ref-not-the-handle',
    line: 'ref = who, handle = where',
    run: async (kit) => {
      const ended = await kit.start(['exit', '4']);
      const alive = await kit.start(['wait']);
      await kit.exit(ended.target);
      const found = await kit.inspect({ ref: ended.ref, handle: alive.observed.handle });
      assert.ok(found.is === 'exited', `with the handle of another instance, the ended one is ${found.is}`);
      assert.equal(found.exit.code, 4);
    },
  },
  {
    id: 'inspect-refuses-a-reused-pid',
    line: 'Verifies identity (never a pid alone; a zombie is not alive)',
    run: async (kit) => {
      const { ref, target, observed } = await kit.start(['exit', '6']);
      const alive = await kit.start(['wait']);
      await kit.exit(target);
      const livePid = alive.observed.is === 'running' ? alive.observed.pid : undefined;
      const ownPid = observed.is === 'running' ? observed.pid : undefined;
      if (livePid === undefined) throw absent('the runtime shows no pid');
      const pids = [...new Set([ownPid, ...numbersOf(observed.handle.data)])].filter((pid) => pid !== undefined);
      for (const pid of pids) {
        const data = replaced(observed.handle.data, pid, livePid);
        if (data === null) continue;
        const found = await kit.inspect({ ref, handle: { ...observed.handle, data } });
        assert.equal(found.is, 'exited', `its handle names pid ${String(livePid)}, which is another process`);
      }
    },
  },
  {
    id: 'handle-of-another-version-is-only-a-cache-miss',
    line: 'Handle: versioned by the driver; only a cache',
    run: async (kit) => {
      const { ref, observed } = await kit.start(['wait']);
      for (const handle of [
        { version: 999, data: { from: 'a later version' } },
        { version: observed.handle.version, data: null },
      ]) {
        assert.equal((await kit.inspect({ ref, handle })).is, 'running');
      }
    },
  },
  {
    id: 'unknown-ref-is-gone',
    line: "Found = Observed | { is: 'gone', engine }",
    run: async (kit) => {
      const found = await kit.inspect({ ref: kit.ref(), handle: null });
      assert.equal(found.is, 'gone');
      assert.notEqual(found.engine, '');
    },
  },
  {
    id: 'an-aborted-inspect-is-no-answer',
    line: '"Cannot tell" is no value but a thrown RuntimeFailure: it must never pass for \'gone\'',
    run: async (kit) => {
      const { target } = await kit.start(['wait']);
      const end = await kit.driver.inspect(target, kit.call(5_000, AbortSignal.abort())).then((found) => found, failureOf);
      if ('is' in end) assert.equal(end.is, 'running');
      else assert.notEqual(end.outcome, 'unknown', 'reads are never unknown');
    },
  },
  {
    id: 'a-damaged-instance-is-not-gone',
    line: '"Cannot tell" is an error, never a value',
    run: async (kit) => {
      const { ref, target } = await kit.start(['ignore']);
      await kit.printed(target, 'ready');
      await damageInstance(kit.scene, ref);
      const driver = await kit.reopen();
      const end = await driver.inspect({ ref, handle: null }, kit.call(5_000)).then((found) => found, failureOf);
      if ('is' in end) assert.notEqual(end.is, 'gone', 'its process lives, its files cannot be read, and inspect says gone');
    },
  },
  {
    id: 'the-engine-keeps-its-name',
    line: 'engine: names the engine’s STORE (it changes when the data root is replaced or not mounted)',
    run: async (kit) => {
      const { observed, target } = await kit.start(['wait']);
      const other = await kit.reopen();
      const names = [
        (await kit.inspect(target)).engine,
        (await kit.inspect(target, other)).engine,
        (await kit.inspect({ ref: kit.ref(), handle: null })).engine,
        (await other.list(kit.scene.agent, kit.call())).engine,
        (await other.facts(kit.call())).engine,
      ];
      for (const name of names) assert.equal(name, observed.engine);
    },
  },
];

function numbersOf(data: Json): readonly number[] {
  if (typeof data === 'number') return Number.isInteger(data) && data > 1 ? [data] : [];
  if (typeof data !== 'object' || data === null) return [];
  return Object.values(data).flatMap((inner: Json) => numbersOf(inner));
}
