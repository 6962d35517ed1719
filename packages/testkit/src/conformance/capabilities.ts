import assert from 'node:assert/strict';
import type { RuntimeDriver } from '@ostler/sdk';
import { waitFor } from '../wait-for.ts';
import type { ConformanceCase } from './case.ts';
import { failureOf } from './failure-of.ts';
import type { Kit } from './kit.ts';

type Signal = NonNullable<RuntimeDriver['signal']>;
type Exec = NonNullable<RuntimeDriver['exec']>;
type Stats = NonNullable<RuntimeDriver['stats']>;

const signal = (kit: Kit): Signal => (kit.driver.signal as Signal).bind(kit.driver);
const exec = (kit: Kit): Exec => (kit.driver.exec as Exec).bind(kit.driver);
const stats = (kit: Kit): Stats => (kit.driver.stats as Stats).bind(kit.driver);

async function textFrom(stream: ReadableStream<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Runs the probe inside, its input closed. */
async function inside(kit: Kit, target: Parameters<Kit['inspect']>[0], words: readonly string[]) {
  const session = await exec(kit)(target, kit.spec(words).command ?? [], { tty: false }, kit.call());
  await session.stdin.close();
  const [exit, stdout, stderr] = await Promise.all([session.exit, textFrom(session.stdout), textFrom(session.stderr)]);
  return { exit, stdout, stderr };
}

export const capabilities: readonly ConformanceCase[] = [
  {
    id: 'signal-reaches-the-worker',
    line: 'signal?(target, name, call)',
    needs: 'signal',
    run: async (kit) => {
      const { target, ref } = await kit.start(['answer', 'SIGUSR2']);
      await kit.printed(target, 'ready');
      await signal(kit)({ ref, handle: null }, 'SIGWINCH', kit.call());
      await kit.printed(target, 'got SIGWINCH');
      await signal(kit)(target, 'SIGUSR2', kit.call());
      assert.equal((await kit.exit(target)).code, 42);
    },
  },
  {
    id: 'signal-to-an-ended-one-is-refused',
    line: "RuntimeFailure.code: 'not-running' | 'not-found'",
    needs: 'signal',
    run: async (kit) => {
      const { target } = await kit.start(['exit', '0']);
      await kit.exit(target);
      const ended = await signal(kit)(target, 'SIGHUP', kit.call()).then(() => null, failureOf);
      assert.deepEqual([ended?.code, ended?.outcome], ['not-running', 'no']);
      const never = await signal(kit)({ ref: kit.ref(), handle: null }, 'SIGHUP', kit.call()).then(() => null, failureOf);
      assert.deepEqual([never?.code, never?.outcome], ['not-found', 'no']);
    },
  },
  {
    id: 'exec-gives-output-and-exit',
    line: 'exec?(target, argv, io, call): ExecSession { stdin, stdout, stderr, exit }',
    needs: 'exec',
    run: async (kit) => {
      const { target } = await kit.start(['wait']);
      const spoken = await inside(kit, target, ['both', '50']);
      assert.equal(spoken.exit, 0);
      assert.ok(spoken.stdout.endsWith('out 49\n'), spoken.stdout);
      assert.ok(spoken.stderr.endsWith('err 49\n'), spoken.stderr);
      assert.equal((await inside(kit, target, ['exit', '7'])).exit, 7);
      assert.equal((await kit.inspect(target)).is, 'running');
    },
  },
  {
    id: 'exec-sees-what-the-worker-sees',
    line: 'A command run inside an instance',
    needs: 'exec',
    run: async (kit) => {
      const { target } = await kit.start(['wait'], { spec: { workingDir: kit.scene.sharedDir, env: { PLAIN: 'as written' } } });
      const session = await exec(kit)(target, kit.spec(['env', 'PLAIN']).command ?? [], { tty: false }, kit.call());
      const reader = session.stdout.getReader();
      const { value } = await reader.read();
      assert.equal(
        Buffer.from(value ?? [])
          .toString('utf8')
          .trim(),
        '{"PLAIN":"as written"}',
      );
      // the command waits: it ends with its worker
      await kit.driver.stop(target, { signal: 'SIGKILL', graceMs: 0 }, kit.call());
      await reader.cancel();
    },
  },
  {
    id: 'exec-in-an-ended-one-is-refused',
    line: "RuntimeFailure.code: 'not-running'",
    needs: 'exec',
    run: async (kit) => {
      const { target } = await kit.start(['exit', '0']);
      await kit.exit(target);
      const failure = await exec(kit)(target, kit.spec(['exit', '0']).command ?? [], { tty: false }, kit.call()).then(() => null, failureOf);
      assert.deepEqual([failure?.code, failure?.outcome], ['not-running', 'no']);
    },
  },
  {
    id: 'stats-are-cumulative',
    line: 'stats?: Cumulative counters in the order of `targets`; core makes the rates',
    needs: 'stats',
    run: async (kit) => {
      const busy = await kit.start(['burn']);
      const ended = await kit.start(['exit', '0']);
      await kit.exit(ended.target);
      const read = () => stats(kit)([ended.target, busy.target, { ref: kit.ref(), handle: null }], kit.call());
      let last = 0;
      await waitFor('the counter of a busy worker grows three times', async () => {
        const answers = await read();
        assert.equal(answers.length, 3);
        assert.equal(answers[2], null, 'numbers of what is gone');
        return (answers[1]?.cpuNs ?? 0) > 0;
      });
      for (let round = 0; round < 3; round += 1) {
        last = await waitFor('cpuNs grows', async () => {
          const cpuNs = (await read())[1]?.cpuNs ?? 0;
          assert.ok(cpuNs >= last, `cpuNs went from ${String(last)} to ${String(cpuNs)}`);
          return cpuNs > last ? cpuNs : undefined;
        });
      }
      const usage = (await read())[1];
      assert.ok((usage?.memoryBytes ?? 0) > 1024 * 1024, `a Node process uses ${String(usage?.memoryBytes)} bytes`);
    },
  },
];
