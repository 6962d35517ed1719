import assert from 'node:assert/strict';
import { waitFor } from '../wait-for.ts';
import { absent } from './absent.ts';
import type { ConformanceCase } from './case.ts';

const codes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const signals = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR2'];

export const exits: readonly ConformanceCase[] = [
  {
    id: 'exit-codes-are-told',
    line: 'Exit.code · kept by the engine or holder until remove()',
    run: async (kit) => {
      const started = await Promise.all(codes.map((code) => kit.start(['exit', String(code)])));
      for (const [code, { target }] of started.entries()) {
        const exit = await kit.exit(target);
        assert.deepEqual({ code: exit.code, signal: exit.signal }, { code, signal: null });
        assert.ok(['engine', 'holder'].includes(exit.evidence), `evidence is ${exit.evidence}`);
      }
    },
  },
  {
    id: 'exit-signals-are-told',
    line: 'Exit.signal: `SIGKILL`, …: full names',
    run: async (kit) => {
      const started = await Promise.all(signals.map((name) => kit.start(['signal', name])));
      for (const [i, { target }] of started.entries()) {
        const exit = await kit.exit(target);
        assert.deepEqual({ code: exit.code, signal: exit.signal }, { code: null, signal: signals[i] });
      }
    },
  },
  {
    id: 'a-high-exit-code-is-no-signal',
    line: 'Exit { code: number | null, signal: string | null }: 137 is a code, SIGKILL is a signal',
    run: async (kit) => {
      const { target } = await kit.start(['exit', '137']);
      const exit = await kit.exit(target);
      assert.deepEqual({ code: exit.code, signal: exit.signal }, { code: 137, signal: null });
    },
  },
  {
    id: 'exits-are-told-after-agent-downtime',
    line: 'so it can be asked for at any time after; never carried by an event alone',
    timeoutMs: 120_000,
    run: async (kit) => {
      await kit.needsAgentDeath();
      const agent = await kit.agentProcess();
      const wanted = [['exit', '0'], ['exit', '9'], ['signal', 'SIGKILL'], ['signal', 'SIGTERM'], ['wait']] as const;
      const refs = wanted.map(() => kit.ref());
      const runs = await Promise.all(refs.map((ref, i) => kit.prepared(ref, wanted[i] ?? [])));
      const observed = await Promise.all(refs.map((ref, i) => agent.start(ref, runs[i] as (typeof runs)[number])));
      await agent.kill9();
      const last = observed.at(-1);
      assert.ok(last !== undefined);
      await kit.kill9(last);
      const driver = await kit.reopen();
      const exits = await Promise.all(refs.map((ref) => kit.exit({ ref, handle: null }, driver)));
      assert.deepEqual(
        exits.map(({ code, signal }) => ({ code, signal })),
        [
          { code: 0, signal: null },
          { code: 9, signal: null },
          { code: null, signal: 'SIGKILL' },
          { code: null, signal: 'SIGTERM' },
          { code: null, signal: 'SIGKILL' },
        ],
      );
    },
  },
  {
    id: 'a-worker-outlives-its-agent',
    line: 'EngineFacts.outlives: what a worker survives',
    run: async (kit) => {
      await kit.needsAgentDeath();
      const agent = await kit.agentProcess();
      const ref = kit.ref();
      const before = await agent.start(ref, await kit.prepared(ref, ['wait']));
      await agent.kill9();
      const driver = await kit.reopen();
      const after = await kit.inspect({ ref, handle: before.handle }, driver);
      assert.ok(before.is === 'running' && after.is === 'running', `before the kill ${before.is}, after it ${after.is}`);
      assert.deepEqual([after.startedAt, after.pid], [before.startedAt, before.pid]);
    },
  },
  {
    id: 'an-exit-is-kept-until-remove',
    line: 'Kept by the engine or holder until remove()',
    run: async (kit) => {
      const { ref, target } = await kit.start(['exit', '5']);
      const exit = await kit.exit(target);
      const other = await kit.reopen();
      for (const driver of [kit.driver, other, other]) {
        const found = await kit.inspect({ ref, handle: null }, driver);
        assert.deepEqual(found.is === 'exited' && found.exit, exit);
        await driver.list(kit.scene.agent, kit.call());
      }
      await kit.driver.remove(target, kit.call());
      assert.equal((await kit.inspect({ ref, handle: null }, other)).is, 'gone');
    },
  },
  {
    id: 'death-by-memory-is-told',
    line: 'Exit.oom: `main`: the worker itself was killed for memory; `inside`: one of its children was',
    run: async (kit) => {
      if ((await kit.driver.facts(kit.call())).limits.memory !== 'hard') throw absent('facts.limits.memory is not hard here');
      const memoryBytes = 128 * 1024 * 1024;
      const limits = { cpus: null, memoryBytes, memorySwapBytes: memoryBytes, pids: null };
      const { target } = await kit.start(['eat', String(1024 * 1024 * 1024)], { spec: { limits } });
      const exit = await kit.exit(target);
      assert.ok(exit.oom === 'main' || exit.oom === 'inside', `oom is ${exit.oom}`);
    },
  },
  {
    id: 'a-killed-worker-is-not-running',
    line: 'inspect: a zombie is not alive',
    run: async (kit) => {
      const { target, observed } = await kit.start(['wait']);
      await kit.printed(target, 'ready');
      await kit.kill9(observed);
      const exit = await kit.exit(target);
      assert.equal(exit.signal, 'SIGKILL');
      const { instances } = await kit.driver.list(kit.scene.agent, kit.call());
      assert.equal(await waitFor('list says what inspect says', () => instances[0]?.is), 'exited');
    },
  },
];
