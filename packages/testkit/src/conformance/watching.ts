import assert from 'node:assert/strict';
import type { Hint, RuntimeDriver } from '@ostler/sdk';
import { waitFor, within } from '../wait-for.ts';
import type { ConformanceCase } from './case.ts';
import type { Kit } from './kit.ts';

interface Watch {
  readonly hints: readonly Hint[];
  changed(instance: string): Promise<void>;
  /** Aborts the stream, and resolves when it ended. */
  end(): Promise<void>;
}

function watch(kit: Kit, driver: RuntimeDriver): Watch {
  const stop = new AbortController();
  const hints: Hint[] = [];
  const read = (async () => {
    for await (const hint of driver.watch(kit.scene.agent, stop.signal)) hints.push(hint);
  })();
  // an abort may also be thrown: end() judges it
  read.catch(() => {});
  return {
    hints,
    changed: async (instance) => {
      await waitFor(`a hint on ${instance}`, () => hints.some((hint) => hint.kind === 'changed' && hint.ref.instance === instance));
    },
    end: async () => {
      stop.abort();
      await within('watch ends after its signal', 5_000, Promise.allSettled([read]));
    },
  };
}

export const watching: readonly ConformanceCase[] = [
  {
    id: 'watch-begins-with-a-gap',
    line: "Emits 'gap' first and after each reconnect",
    run: async (kit) => {
      const { target } = await kit.start(['wait']);
      const stream = watch(kit, kit.driver);
      await waitFor('the first hint', () => stream.hints.length > 0);
      assert.equal(stream.hints[0]?.kind, 'gap');
      await kit.driver.stop(target, { signal: 'SIGKILL', graceMs: 0 }, kit.call());
      await stream.end();
    },
  },
  {
    id: 'watch-tells-of-an-exit',
    line: "watch: Hints only: core inspects · Hint { kind: 'changed', ref }",
    run: async (kit) => {
      const stream = watch(kit, kit.driver);
      await waitFor('the first hint', () => stream.hints.length > 0);
      const { ref, target, observed } = await kit.start(['wait']);
      await kit.printed(target, 'ready');
      await kit.kill9(observed);
      await stream.changed(ref.instance);
      const hint = stream.hints.find((one) => one.kind === 'changed' && one.ref.instance === ref.instance);
      assert.deepEqual(hint?.kind === 'changed' && hint.ref, ref);
      await stream.end();
    },
  },
  {
    id: 'watch-goes-on-with-the-next-agent',
    line: 'inspect: re-attaches what watch() needs',
    run: async (kit) => {
      const { ref, target, observed } = await kit.start(['wait']);
      await kit.printed(target, 'ready');
      await kit.driver.close();
      const next = await kit.reopen();
      const stream = watch(kit, next);
      await waitFor('the first hint', () => stream.hints.length > 0);
      assert.equal(stream.hints[0]?.kind, 'gap');
      assert.equal((await kit.inspect({ ref, handle: observed.handle }, next)).is, 'running');
      await kit.kill9(observed);
      await stream.changed(ref.instance);
      await stream.end();
    },
  },
  {
    id: 'watch-ends-with-its-signal',
    line: 'One stream per driver for the agent’s life',
    run: async (kit) => {
      const stream = watch(kit, kit.driver);
      await waitFor('the first hint', () => stream.hints.length > 0);
      await stream.end();
    },
  },
];
