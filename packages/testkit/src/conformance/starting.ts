import assert from 'node:assert/strict';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { isRuntimeFailure, type Target } from '@ostler/sdk';
import { runningProcesses } from '../processes.ts';
import { waitFor } from '../wait-for.ts';
import type { ConformanceCase } from './case.ts';
import { failureOf } from './failure-of.ts';
import type { Kit } from './kit.ts';

/** How often the `count` probe was started, by what it wrote itself. */
async function starts(file: string): Promise<number> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '').length;
}

/**
 * One ref, one run: by the list, by what the worker wrote, and by the processes that are left once the ref is stopped. A twin that has not come
 * far enough to write its line is seen by the other two.
 */
async function assertOneRun(kit: Kit, target: Target, file: string): Promise<void> {
  await waitFor('the worker says that it was started', async () => (await starts(file)) > 0);
  const { instances } = await kit.driver.list(kit.scene.agent, kit.call());
  const others = instances.filter((one) => one.is !== 'exited' && one.ref.instance !== target.ref.instance);
  assert.deepEqual(others, [], 'an instance runs under a name that nobody gave');
  await kit.driver.stop(target, { signal: 'SIGKILL', graceMs: 0 }, kit.call());
  // A twin stays; what held the worker that was stopped may need a moment more.
  await waitFor(
    'no process of this start is left once its ref is stopped',
    async () => {
      const left = (await runningProcesses()).filter((one) => one.argv.includes(file));
      assert.deepEqual(
        left.map(({ pid, argv }) => `${pid} ${argv}`.slice(0, 300)),
        [],
      );
      return true;
    },
    5000,
  );
  assert.equal(await starts(file), 1, 'one ref was run more than once');
}

export const starting: readonly ConformanceCase[] = [
  {
    id: 'start-says-where-it-runs',
    line: 'start(ref, run, call): Promise<Observed> · startedAt: RFC 3339',
    run: async (kit) => {
      const { observed, ref } = await kit.start(['wait']);
      assert.deepEqual(observed.ref, ref);
      assert.ok(observed.is === 'running', `a worker that waits is ${observed.is} after its start`);
      assert.match(observed.startedAt, /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/);
      assert.ok(Math.abs(Date.parse(observed.startedAt) - Date.now()) < 60_000, `startedAt is ${observed.startedAt}`);
      assert.notEqual(observed.engine, '');
    },
  },
  {
    id: 'start-twice-is-one-instance',
    line: 'Same ref exists: return it',
    run: async (kit) => {
      const file = join(kit.scene.sharedDir, 'starts');
      const { ref, run, target, observed } = await kit.start(['count', file]);
      const again = await kit.driver.start(ref, run, kit.call());
      assert.equal(again.is, 'running');
      assert.deepEqual(again.ref, ref);
      assert.equal(again.is === 'running' && again.startedAt, observed.is === 'running' && observed.startedAt);
      await assertOneRun(kit, target, file);
    },
  },
  {
    id: 'concurrent-starts-are-one-instance',
    line: 'Same ref exists: return it (of callers that do not know of each other)',
    run: async (kit) => {
      const file = join(kit.scene.sharedDir, 'starts');
      const ref = kit.ref();
      const run = await kit.prepared(ref, ['count', file]);
      const other = await kit.reopen();
      const drivers = [kit.driver, other, kit.driver, other, kit.driver, other];
      const ends = await Promise.allSettled(drivers.map((driver) => driver.start(ref, run, kit.call())));
      const failed = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
      for (const reason of failed) assert.ok(isRuntimeFailure(reason), `not a RuntimeFailure: ${String(reason)}`);
      assert.ok(failed.length < drivers.length, `every start failed: ${String(failed[0])}`);
      await assertOneRun(kit, { ref, handle: null }, file);
    },
  },
  {
    id: 'aborted-start-is-at-most-one-instance',
    line: "After 'unknown' … inspect({ ref, handle: null }); 'gone' then means start() again with the SAME ref: only the name stops the twin",
    run: async (kit) => {
      for (const afterMs of [0, 1, 3, 8, 20, 50]) {
        const file = join(kit.scene.sharedDir, `starts-${String(afterMs)}`);
        const ref = kit.ref();
        const run = await kit.prepared(ref, ['count', file]);
        const caller = new AbortController();
        const begun = kit.driver.start(ref, run, kit.call(30_000, caller.signal));
        if (afterMs === 0) caller.abort();
        else setTimeout(() => caller.abort(), afterMs);
        const failure = await begun.then(() => null, failureOf);
        const target = { ref, handle: null };
        const found = await kit.inspect(target);
        if (failure === null) assert.notEqual(found.is, 'gone', 'start() returned, yet its ref is gone');
        if (failure?.outcome === 'yes') assert.notEqual(found.is, 'gone', "outcome 'yes', yet its ref is gone");
        if (found.is === 'gone' || found.is === 'created') await kit.driver.start(ref, run, kit.call());
        await assertOneRun(kit, target, file);
      }
    },
  },
  {
    id: 'killed-start-is-found',
    line: "list(): ALL instances marked with this agent, in any state · 'created': exists, never ran: start() again or remove()",
    timeoutMs: 180_000,
    run: async (kit) => {
      for (const afterMs of [0, 2, 5, 10, 20, 40, 80]) {
        const file = join(kit.scene.sharedDir, `starts-${String(afterMs)}`);
        const ref = kit.ref();
        const run = await kit.prepared(ref, ['count', file]);
        const agent = await kit.agentProcess();
        agent.startAndForget(ref, run);
        await new Promise((resolve) => setTimeout(resolve, afterMs));
        await agent.kill9();
        const driver = await kit.reopen();
        const target = { ref, handle: null };
        const found = await kit.inspect(target, driver);
        const { instances } = await driver.list(kit.scene.agent, kit.call());
        const listed = instances.find((one) => one.ref.instance === ref.instance);
        if (found.is !== 'gone') assert.ok(listed !== undefined, `inspect says ${found.is}, list does not know it`);
        if (listed !== undefined) assert.deepEqual(listed.ref, ref);
        if (found.is === 'exited') continue;
        await driver.start(ref, run, kit.call());
        await assertOneRun(kit, target, file);
      }
    },
  },
  {
    id: 'ended-instance-is-not-started-again',
    line: "Same ref exists: return it ('created' is started, 'exited' is NOT)",
    run: async (kit) => {
      const { ref, run, target } = await kit.start(['exit', '3']);
      await kit.exit(target);
      const again = await kit.driver.start(ref, run, kit.call());
      assert.ok(again.is === 'exited', `start() of an ended ref answers ${again.is}`);
      assert.equal(again.exit.code, 3);
    },
  },
  {
    id: 'other-generation-is-a-conflict',
    line: 'Same instance, other generation: conflict',
    run: async (kit) => {
      const { ref, run, target } = await kit.start(['wait']);
      const failure = await kit.driver.start({ ...ref, generation: '2-00000000000000bb' }, run, kit.call()).then(() => null, failureOf);
      assert.equal(failure?.code, 'conflict');
      assert.equal(failure?.outcome, 'no');
      assert.equal((await kit.inspect(target)).is, 'running', 'the refused start has touched the running instance');
    },
  },
  {
    id: 'failed-start-leaves-nothing-that-remove-does-not-take',
    line: 'What a failure leaves half-made is for remove()',
    run: async (kit) => {
      const ref = kit.ref();
      const target = { ref, handle: null };
      const run = await kit.prepared(ref, ['wait']);
      const broken = { ...run, spec: { ...run.spec, command: [join(kit.scene.sharedDir, 'no-such-command')] } };
      const end = await kit.driver.start(ref, broken, kit.call()).then(() => null, failureOf);
      // a holder may learn of it only once it tries: then the instance ends, and not with success
      if (end === null) {
        const exit = await kit.exit(target);
        assert.notEqual(exit.code, 0);
      } else {
        assert.notEqual(end.outcome, 'yes', 'the command does not exist, and start() says that it was done');
        assert.notEqual((await kit.inspect(target)).is, 'running');
      }
      await kit.driver.remove(target, kit.call());
      assert.equal((await kit.inspect(target)).is, 'gone');
      const { instances } = await kit.driver.list(kit.scene.agent, kit.call());
      assert.deepEqual(instances, []);
    },
  },
  {
    id: 'environment-reaches-the-worker',
    line: 'Run.env: what core adds (OSTLER_*, PORT_*, addresses of dependencies) · WorkerSpec.env',
    run: async (kit) => {
      const names = ['OSTLER_WORKER', 'OSTLER_INSTANCE', 'OSTLER_GENERATION', 'PORT_HTTP', 'PLAIN', 'ODD', 'LINES'];
      const plain = { PLAIN: 'as written', ODD: `'"$HOME\`\\ %s äß…`, LINES: 'one\ntwo\n' };
      const { target, ref } = await kit.start(['env', ...names], { spec: { env: plain }, env: { PORT_HTTP: '8080' } });
      const seen = JSON.parse(await kit.printed(target, '}\n')) as unknown;
      const given = { OSTLER_WORKER: ref.worker, OSTLER_INSTANCE: ref.instance, OSTLER_GENERATION: ref.generation, PORT_HTTP: '8080' };
      assert.deepEqual(seen, { ...given, ...plain });
    },
  },
  {
    id: 'working-directory-is-the-one-of-the-spec',
    line: 'WorkerSpec.workingDir: absolute path',
    run: async (kit) => {
      const { target } = await kit.start(['where'], { spec: { workingDir: kit.scene.sharedDir } });
      const printed = await kit.printed(target, '\n');
      assert.equal(printed.trim(), await realpath(kit.scene.sharedDir));
    },
  },
];
