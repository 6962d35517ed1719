import assert from 'node:assert/strict';
import { waitFor, within } from '../wait-for.ts';
import type { ConformanceCase } from './case.ts';
import { failureOf } from './failure-of.ts';
import type { Kit } from './kit.ts';

/** The contract's 2 s, and as much again for a slow machine's event loop. */
const graceMs = 4_000;

/** Settles in time; what it throws is a RuntimeFailure. */
async function ends(what: string, call: Promise<unknown>): Promise<void> {
  await within(
    `${what} ends after its signal`,
    graceMs,
    call.then(() => {}, failureOf),
  );
}

async function drain(records: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of records);
}

export const deadlines: readonly ConformanceCase[] = [
  {
    id: 'no-call-outlives-its-signal',
    line: 'Core aborts at the deadline, waits 2 s more, then lists the call as stuck',
    run: async (kit: Kit) => {
      const { target, ref } = await kit.start(['ignore']);
      await kit.printed(target, 'ready');
      const other = kit.ref();
      const run = await kit.prepared(other, ['wait']);
      const { spec, artifact, secrets } = run;
      for (const when of ['before', 'during'] as const) {
        const call = () => {
          const caller = new AbortController();
          if (when === 'before') caller.abort();
          else setImmediate(() => caller.abort());
          return kit.call(30_000, caller.signal);
        };
        await ends('ping', kit.driver.ping(call()));
        await ends('facts', kit.driver.facts(call()));
        await ends('resolve', kit.driver.resolve(spec, call()));
        await ends('prepare', kit.driver.prepare({ spec, artifact, secrets }, call()));
        await ends('inspect', kit.driver.inspect(target, call()));
        await ends('list', kit.driver.list(kit.scene.agent, call()));
        await ends('start', kit.driver.start(other, run, call()));
        await ends('remove', kit.driver.remove({ ref, handle: null }, call()));
        await ends('a followed log', drain(kit.driver.logs(target, 'start', true, call())));
        await ends('stop', kit.driver.stop(target, { signal: 'SIGTERM', graceMs: 25_000 }, call()));
      }
    },
  },
  {
    id: 'a-stop-can-be-aborted-within-its-grace',
    line: 'no call outlives its signal by more than 2 s',
    run: async (kit) => {
      const { target } = await kit.start(['answer', 'none']);
      await kit.printed(target, 'ready');
      const caller = new AbortController();
      const stop = kit.driver.stop(target, { signal: 'SIGHUP', graceMs: 25_000 }, kit.call(30_000, caller.signal)).then((found) => found, failureOf);
      await kit.printed(target, 'got SIGHUP');
      caller.abort();
      const end = await within('stop ends after its signal', graceMs, stop);
      if ('is' in end) assert.notEqual(end.is, 'running', 'an aborted stop resolves with running');
      else assert.notEqual(end.outcome, 'no', 'the signal was sent');
      const found = await kit.driver.stop(target, { signal: 'SIGKILL', graceMs: 0 }, kit.call());
      assert.equal(found.is, 'exited');
    },
  },
  {
    id: 'a-followed-log-ends-with-its-signal',
    line: 'no call outlives its signal by more than 2 s',
    run: async (kit) => {
      const { target } = await kit.start(['wait']);
      await kit.printed(target, 'ready');
      const caller = new AbortController();
      let seen = 0;
      const reading = (async () => {
        for await (const record of kit.driver.logs(target, 'start', true, kit.call(30_000, caller.signal))) seen += 'bytes' in record ? 1 : 0;
      })();
      reading.catch(() => {});
      await waitFor('the first record', () => seen > 0);
      caller.abort();
      await ends('a followed log', reading);
    },
  },
  {
    id: 'close-leaves-workers-running',
    line: 'close(): drops watchers; NEVER stops a worker',
    run: async (kit) => {
      const { target, ref, observed } = await kit.start(['answer', 'SIGHUP']);
      await kit.printed(target, 'ready');
      await within('close', 5_000 + graceMs, kit.driver.close());
      const next = await kit.reopen();
      const found = await kit.inspect({ ref, handle: null }, next);
      assert.ok(found.is === 'running' && observed.is === 'running', `after close() the worker is ${found.is}`);
      assert.equal(found.startedAt, observed.startedAt);
      // what was sent a signal may be seen running for a while yet: only an answer given after close() shows that it was left alone
      const end = await next.stop({ ref, handle: null }, { signal: 'SIGHUP', graceMs: 20_000 }, kit.call(60_000));
      assert.ok(end.is === 'exited', `stop() resolves with ${end.is}`);
      assert.deepEqual([end.exit.code, end.exit.signal], [42, null], 'after close() the worker no longer answers its signal');
      const printed = await kit.printed({ ref, handle: null }, 'got SIGHUP', next);
      assert.deepEqual(printed.match(/got SIG\w+/g), ['got SIGHUP'], 'close() sent a signal');
    },
  },
  {
    id: 'the-engine-answers',
    line: 'ping(call) · facts(call): the deep probe, and what this engine can hold',
    run: async (kit) => {
      await kit.driver.ping(kit.call(2_000));
      const facts = await kit.driver.facts(kit.call(10_000));
      assert.deepEqual(Object.keys(facts.limits).sort(), ['cpu', 'gpuMemory', 'memory', 'pids']);
      for (const hold of Object.values(facts.limits)) assert.ok(['hard', 'soft', 'none'].includes(hold));
      assert.notEqual(facts.name, '');
      assert.notEqual(facts.version, '');
    },
  },
];
