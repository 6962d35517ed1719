import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import type { ConformanceCase } from './case.ts';
import { damageInstance } from './damage.ts';
import { failureOf } from './failure-of.ts';

export const listing: readonly ConformanceCase[] = [
  {
    id: 'list-needs-no-store',
    line: 'The driver stamps all four on the instance, so that list() works with an empty store · in any state',
    run: async (kit) => {
      const ended = await kit.start(['exit', '1']);
      const alive = await kit.start(['wait'], { ref: kit.ref({ worker: 'probe-2', generation: '7-0123456789abcdef' }) });
      await kit.exit(ended.target);
      const other = await kit.reopen();
      const { instances } = await other.list(kit.scene.agent, kit.call());
      const seen = new Map(instances.map((one) => [one.ref.instance, one]));
      assert.equal(instances.length, 2);
      assert.deepEqual([seen.get(ended.ref.instance)?.ref, seen.get(ended.ref.instance)?.is], [ended.ref, 'exited']);
      assert.deepEqual([seen.get(alive.ref.instance)?.ref, seen.get(alive.ref.instance)?.is], [alive.ref, 'running']);
      for (const one of instances) {
        const found = await other.inspect({ ref: one.ref, handle: one.handle }, kit.call());
        assert.equal(found.is, one.is, 'the handle of list() leads elsewhere');
      }
    },
  },
  {
    id: 'list-of-nothing-is-empty',
    line: 'list: Complete or throw',
    run: async (kit) => {
      assert.deepEqual((await kit.driver.list(kit.scene.agent, kit.call())).instances, []);
    },
  },
  {
    id: 'list-leaves-out-other-agents',
    line: 'ALL instances marked with this agent',
    run: async (kit) => {
      const own = await kit.start(['wait']);
      const stranger = await kit.stranger();
      const theirs = kit.ref({ agent: stranger.scene.agent });
      await kit.start(['wait'], { ref: theirs, driver: stranger.driver });
      const instancesOf = async (driver: typeof kit.driver, agent: string): Promise<readonly string[]> =>
        (await driver.list(agent, kit.call())).instances.map((one) => one.ref.instance);
      assert.deepEqual(await instancesOf(kit.driver, kit.scene.agent), [own.ref.instance]);
      assert.deepEqual(await instancesOf(stranger.driver, stranger.scene.agent), [theirs.instance]);
      assert.deepEqual(await instancesOf(kit.driver, randomUUID()), []);
      await stranger.driver.stop({ ref: theirs, handle: null }, { signal: 'SIGKILL', graceMs: 0 }, kit.call());
    },
  },
  {
    id: 'list-is-complete-or-throws',
    line: 'Complete or throw; takes no per-instance lock of the engine',
    run: async (kit) => {
      const whole = await kit.start(['wait']);
      const damaged = await kit.start(['ignore']);
      await kit.printed(damaged.target, 'ready');
      await damageInstance(kit.scene, damaged.ref);
      const driver = await kit.reopen();
      const end = await driver.list(kit.scene.agent, kit.call()).then((list) => list, failureOf);
      if ('code' in end) {
        assert.notEqual(end.outcome, 'unknown', 'reads are never unknown');
        return;
      }
      const seen = end.instances.map((one) => one.ref.instance).sort();
      assert.deepEqual(seen, [whole.ref.instance, damaged.ref.instance].sort(), 'list left out the instance that it could not read');
    },
  },
  {
    id: 'an-aborted-list-is-not-empty',
    line: 'Complete or throw',
    run: async (kit) => {
      const { ref } = await kit.start(['wait']);
      const end = await kit.driver.list(kit.scene.agent, kit.call(5_000, AbortSignal.abort())).then((list) => list, failureOf);
      if ('instances' in end) {
        assert.deepEqual(
          end.instances.map((one) => one.ref),
          [ref],
        );
      }
    },
  },
  {
    id: 'remove-takes-all-of-it',
    line: 'Takes logs, cgroup, secrets along',
    run: async (kit) => {
      const secrets = { files: [{ name: 'token', bytes: Buffer.from('canary-9d1c'), mode: 0o400 }], env: {} };
      const { target, ref } = await kit.start(['lines', '10'], { secrets });
      await kit.exit(target);
      await kit.driver.remove(target, kit.call());
      for (const folder of [kit.scene.stateDir, kit.scene.secretsDir]) {
        const left = (await readdir(folder, { recursive: true })).filter((path) => path.includes(ref.instance));
        assert.deepEqual(left, [], `left in ${folder}`);
      }
    },
  },
];
