import assert from 'node:assert/strict';
import type { ConformanceCase } from './case.ts';
import { failureOf } from './failure-of.ts';

/** Equal to its own copy, through both ways that a value leaves the process. */
function assertData(what: string, value: unknown): void {
  assert.deepEqual(structuredClone(value), value, `${what} does not survive structuredClone`);
}

export const values: readonly ConformanceCase[] = [
  {
    id: 'every-value-is-structured-cloneable',
    line: 'All values are structured-cloneable: a driver may live in another process',
    run: async (kit) => {
      const facts = await kit.driver.facts(kit.call());
      const { ref, run, target, observed } = await kit.start(['both', '3']);
      await kit.exit(target);
      const seen = {
        facts,
        observed,
        artifact: run.artifact,
        findings: kit.driver.check(kit.spec(['wait'], { more: { odd: 1 } }), facts),
        exited: await kit.inspect(target),
        gone: await kit.inspect({ ref: kit.ref(), handle: null }),
        list: await kit.driver.list(kit.scene.agent, kit.call()),
        records: await kit.records(target),
        stopped: await kit.driver.stop({ ref, handle: null }, { signal: 'SIGTERM', graceMs: 100 }, kit.call()),
        stats: (await kit.driver.stats?.([target], kit.call())) ?? null,
      };
      for (const [what, value] of Object.entries(seen)) assertData(what, value);
      assert.deepEqual(JSON.parse(JSON.stringify(run.artifact)), run.artifact, 'the artifact is not JSON');
      assert.deepEqual(JSON.parse(JSON.stringify(observed.handle)), observed.handle, 'the handle is not JSON');
    },
  },
  {
    id: 'a-handle-is-small',
    line: 'Handle: JSON of at most 4 KiB',
    run: async (kit) => {
      const env = { LONG: 'x'.repeat(20_000) };
      const { observed } = await kit.start(['wait', 'y'.repeat(10_000)], { spec: { env } });
      const listed = (await kit.driver.list(kit.scene.agent, kit.call())).instances.map((one) => one.handle);
      for (const handle of [observed.handle, ...listed]) {
        assert.ok(Buffer.byteLength(JSON.stringify(handle)) <= 4096, `a handle of ${String(JSON.stringify(handle).length)} bytes`);
        assert.ok(Number.isInteger(handle.version), 'a handle without a version');
      }
    },
  },
  {
    id: 'a-failure-says-what-was-done',
    line: "RuntimeFailure { code, outcome, retryable, message }: outcome 'no' only if it certainly was not done",
    run: async (kit) => {
      const { target } = await kit.start(['wait']);
      const failure = await kit.driver.remove(target, kit.call()).then(() => null, failureOf);
      assert.ok(failure !== null, 'remove() of a running instance succeeded');
      assert.equal(failure.outcome, 'no');
      assert.equal(failure.retryable, false, 'the same call would fail again');
    },
  },
  {
    id: 'an-artifact-changes-when-what-runs-changes',
    line: 'Artifact.digest: of what would run; equal digests mean that nothing changed',
    run: async (kit) => {
      const spec = kit.spec(['wait']);
      const first = await kit.driver.resolve(spec, kit.call());
      const again = await (await kit.reopen()).resolve(structuredClone(spec), kit.call());
      assert.equal(again.digest, first.digest);
      assert.deepEqual(again.inputs, first.inputs);
    },
  },
];
