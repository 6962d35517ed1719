import assert from 'node:assert/strict';
import { processesOf } from '../processes.ts';
import { waitFor } from '../wait-for.ts';
import type { ConformanceCase } from './case.ts';
import { failureOf } from './failure-of.ts';

const gentle = { signal: 'SIGTERM', graceMs: 10_000 };

export const stopping: readonly ConformanceCase[] = [
  {
    id: 'stop-sends-the-signal-that-was-asked-for',
    line: 'stop: Signal, grace, then the WHOLE tree',
    run: async (kit) => {
      const { target } = await kit.start(['answer', 'SIGHUP']);
      await kit.printed(target, 'ready');
      const found = await kit.driver.stop(target, { signal: 'SIGHUP', graceMs: 20_000 }, kit.call(60_000));
      assert.ok(found.is === 'exited', `stop() resolves with ${found.is}`);
      assert.deepEqual([found.exit.code, found.exit.signal], [42, null]);
      await kit.printed(target, 'got SIGHUP');
    },
  },
  {
    id: 'stop-without-a-signal-uses-the-usual-one',
    line: 'StopRule.signal `null`: what the artifact names, else SIGTERM',
    run: async (kit) => {
      const { target } = await kit.start(['answer', 'SIGTERM']);
      await kit.printed(target, 'ready');
      const found = await kit.driver.stop(target, { signal: null, graceMs: 20_000 }, kit.call(60_000));
      assert.ok(found.is === 'exited', `stop() resolves with ${found.is}`);
      assert.deepEqual([found.exit.code, found.exit.signal], [42, null]);
      await kit.printed(target, 'got SIGTERM');
    },
  },
  {
    id: 'stop-ends-what-ignores-the-signal',
    line: 'Signal, grace, then the WHOLE tree. Resolves when seen not running',
    run: async (kit) => {
      const { target } = await kit.start(['ignore']);
      await kit.printed(target, 'ready');
      const found = await kit.driver.stop(target, { signal: 'SIGTERM', graceMs: 200 }, kit.call(60_000));
      assert.ok(found.is === 'exited', `stop() resolves with ${found.is}`);
      assert.equal(found.exit.signal, 'SIGKILL');
      assert.equal((await kit.inspect(target)).is, 'exited');
    },
  },
  {
    id: 'stop-takes-the-whole-tree',
    line: 'stop: then the WHOLE tree (children in sessions of their own, which ignore the signal)',
    run: async (kit) => {
      const { target, ref } = await kit.start(['tree']);
      await kit.printed(target, 'ready');
      assert.ok((await processesOf(ref.instance)).length >= 3, 'the probe has not made its tree');
      await kit.driver.stop(target, { signal: 'SIGTERM', graceMs: 200 }, kit.call(60_000));
      const { length } = await processesOf(ref.instance);
      assert.equal(length, 0, `${String(length)} processes of the tree are left`);
    },
  },
  {
    id: 'a-worker-that-leaves-children-is-not-clean',
    line: 'stop: already exited = success; the WHOLE tree (its children outlived it)',
    run: async (kit) => {
      const { target, ref, observed } = await kit.start(['tree']);
      await kit.printed(target, 'ready');
      if (observed.is === 'running' && observed.pid !== undefined) process.kill(observed.pid, 'SIGKILL');
      await waitFor('the worker itself is dead', async () => (await processesOf(ref.instance)).length < 3);
      await kit.driver.stop(target, { signal: 'SIGTERM', graceMs: 200 }, kit.call(60_000));
      assert.deepEqual(await processesOf(ref.instance), [], 'children of the dead worker are left');
    },
  },
  {
    id: 'what-a-worker-left-is-gone-at-its-next-start',
    line: 'start: of instances of that worker that have ended nothing is left running',
    run: async (kit) => {
      const { target, ref, observed } = await kit.start(['tree']);
      await kit.printed(target, 'ready');
      if (observed.is === 'running' && observed.pid !== undefined) process.kill(observed.pid, 'SIGKILL');
      else await kit.driver.stop(target, { signal: 'SIGKILL', graceMs: 10_000 }, kit.call(60_000));
      await waitFor('its end is seen', async () => (await kit.inspect(target)).is === 'exited');
      await kit.start(['wait']);
      assert.deepEqual(await processesOf(ref.instance), [], 'children of the dead worker are left beside the next one');
    },
  },
  {
    id: 'stop-twice-is-success',
    line: 'already exited or gone = success',
    run: async (kit) => {
      const { target } = await kit.start(['wait']);
      const first = await kit.driver.stop(target, gentle, kit.call(60_000));
      const second = await kit.driver.stop(target, gentle, kit.call(60_000));
      assert.ok(first.is === 'exited' && second.is === 'exited', `first ${first.is}, then ${second.is}`);
      assert.deepEqual(second.exit, first.exit);
    },
  },
  {
    id: 'stop-of-what-is-gone-is-success',
    line: 'already exited or gone = success',
    run: async (kit) => {
      const found = await kit.driver.stop({ ref: kit.ref(), handle: null }, gentle, kit.call(60_000));
      assert.equal(found.is, 'gone');
    },
  },
  {
    id: 'the-next-agent-can-stop-it',
    line: 'every call works with `null` and finds the instance by its ref',
    run: async (kit) => {
      const { ref } = await kit.start(['wait']);
      const other = await kit.reopen();
      const found = await other.stop({ ref, handle: null }, gentle, kit.call(60_000));
      assert.equal(found.is, 'exited');
      assert.deepEqual(await processesOf(ref.instance), []);
    },
  },
  {
    id: 'stop-touches-nobody-else',
    line: 'never stops what it was not told to stop',
    run: async (kit) => {
      const one = await kit.start(['wait']);
      const two = await kit.start(['wait'], { ref: kit.ref({ worker: 'probe-2' }) });
      await kit.driver.stop(one.target, gentle, kit.call(60_000));
      const found = await kit.inspect(two.target);
      assert.equal(found.is, 'running');
      assert.equal(found.is === 'running' && found.startedAt, two.observed.is === 'running' && two.observed.startedAt);
    },
  },
  {
    id: 'remove-twice-is-success',
    line: 'remove: gone = success',
    run: async (kit) => {
      const { target } = await kit.start(['exit', '0']);
      await kit.exit(target);
      await kit.driver.remove(target, kit.call());
      await kit.driver.remove(target, kit.call());
      await kit.driver.remove({ ref: kit.ref(), handle: null }, kit.call());
      assert.equal((await kit.inspect(target)).is, 'gone');
      assert.deepEqual((await kit.driver.list(kit.scene.agent, kit.call())).instances, []);
    },
  },
  {
    id: 'remove-of-a-running-one-is-a-conflict',
    line: 'remove: Running = conflict',
    run: async (kit) => {
      const { target, ref } = await kit.start(['wait']);
      for (const handle of [target.handle, null]) {
        const failure = await kit.driver.remove({ ref, handle }, kit.call()).then(() => null, failureOf);
        assert.equal(failure?.code, 'conflict');
        assert.equal(failure?.outcome, 'no');
      }
      assert.equal((await kit.inspect(target)).is, 'running');
    },
  },
];
