import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Notified, RuntimeDriver, Target, WorkerSpec } from '@ostler/sdk';
import { waitFor } from '../wait-for.ts';
import type { ConformanceCase } from './case.ts';
import { failureOf } from './failure-of.ts';
import type { Kit, Started } from './kit.ts';

const notify: WorkerSpec['notify'] = { watchdogMs: 10_000 };
const nothing: Notified = { readyAt: null, aliveAt: null, stoppingAt: null, isTripped: false, status: null };
const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

const notified = async (driver: RuntimeDriver, kit: Kit, target: Target): Promise<Notified | null> =>
  (await driver.notified?.(target, kit.call(2_000))) ?? null;

const startSaying = (kit: Kit, messages: readonly string[]): Promise<Started> => kit.start([], { spec: { command: kit.notifyCommand(messages), notify } });

/** Waits until it has said what the last message of the case says. */
const once = (kit: Kit, driver: RuntimeDriver, target: Target, isThere: (said: Notified) => boolean): Promise<Notified> =>
  waitFor(`what ${target.ref.instance} said is told`, async () => {
    const said = await notified(driver, kit, target);
    assert.ok(said !== null, 'nobody listens for a worker whose spec says `notify`');
    return isThere(said) ? said : undefined;
  });

function assertJustNow(what: string, at: string | null): void {
  assert.match(at ?? 'null', rfc3339, what);
  assert.ok(Math.abs(Date.parse(at ?? '') - Date.now()) < 60_000, `${what} is ${String(at)}`);
}

export const notifying: readonly ConformanceCase[] = [
  {
    id: 'what-a-worker-says-is-kept-and-told',
    line: 'notified?: READY, STATUS and WATCHDOG of a worker are kept and told',
    needs: 'notified',
    run: async (kit) => {
      const { target, ref } = await startSaying(kit, ['STATUS=warming up', 'WATCHDOG=1\nREADY=1\nSTATUS=serving', 'X_OWN=1', 'NONSENSE', 'WATCHDOG=1']);
      const first = await once(kit, kit.driver, target, (said) => said.readyAt !== null && said.aliveAt !== null);
      assert.deepEqual([first.status, first.isTripped, first.stoppingAt], ['serving', false, null]);
      assertJustNow('readyAt', first.readyAt);
      assertJustNow('aliveAt', first.aliveAt);
      assert.deepEqual(structuredClone(first), first);
      // and by the ref alone, to the agent that comes back
      const said = await once(kit, await kit.reopen(), { ref, handle: null }, ({ aliveAt }) => aliveAt !== null);
      assert.deepEqual([said.readyAt, said.status], [first.readyAt, 'serving']);
    },
  },
  {
    id: 'a-trip-an-end-and-a-long-status-are-told',
    line: 'Notified: stoppingAt: STOPPING=1 · isTripped: WATCHDOG=trigger · status: at most 255 bytes',
    needs: 'notified',
    run: async (kit) => {
      const long = 'ä'.repeat(200);
      const { target } = await startSaying(kit, ['READY=1', `STATUS=${long}`, 'WATCHDOG=trigger', 'STOPPING=1']);
      const said = await once(kit, kit.driver, target, ({ stoppingAt }) => stoppingAt !== null);
      assertJustNow('stoppingAt', said.stoppingAt);
      assert.equal(said.isTripped, true);
      const status = said.status ?? '';
      assert.ok(Buffer.byteLength(status) <= 255, `a status of ${String(Buffer.byteLength(status))} bytes`);
      assert.ok(status === '' || long.startsWith(status.slice(0, 100)), status);
    },
  },
  {
    id: 'what-it-says-while-no-agent-lives-is-kept',
    line: 'notified?: are kept and told, also what it said while no agent lived',
    needs: 'notified',
    run: async (kit) => {
      await kit.needsAgentDeath();
      const go = join(kit.scene.sharedDir, 'go');
      const command = ['/bin/sh', '-c', 'while [ ! -e "$0" ]; do sleep 0.05; done; exec "$@"', go, ...kit.notifyCommand(['READY=1', 'STATUS=alone'])];
      const ref = kit.ref();
      const run = await kit.prepared(ref, [], { spec: { command, notify } });
      const agent = await kit.agentProcess();
      await agent.start(ref, run);
      await agent.kill9();
      await writeFile(go, '');
      const said = await once(kit, await kit.reopen(), { ref, handle: null }, ({ status }) => status !== null);
      assert.equal(said.status, 'alone');
      assertJustNow('readyAt', said.readyAt);
    },
  },
  {
    id: 'an-instance-that-said-nothing-answers-with-nulls',
    line: 'notified?: an instance that said nothing answers with nulls',
    needs: 'notified',
    run: async (kit) => {
      const { target } = await kit.start(['wait'], { spec: { notify } });
      await kit.printed(target, 'ready');
      assert.deepEqual(await notified(kit.driver, kit, target), nothing);
    },
  },
  {
    id: 'whom-nobody-listens-for-answers-null',
    line: 'notified?: Throws not-found; an instance that nobody listens for answers null',
    needs: 'notified',
    run: async (kit) => {
      const { target } = await kit.start(['wait']);
      assert.equal(await notified(kit.driver, kit, target), null);
      const never = await notified(kit.driver, kit, { ref: kit.ref(), handle: null }).then(() => null, failureOf);
      assert.deepEqual([never?.code, never?.outcome], ['not-found', 'no']);
    },
  },
  {
    id: 'a-worker-that-tells-of-itself-is-told-where',
    line: 'WorkerSpec.notify: its environment has NOTIFY_SOCKET, and WATCHDOG_USEC where there is a watchdog',
    needs: 'notified',
    run: async (kit) => {
      const environment = async (asked: WorkerSpec['notify']) => {
        const { target } = await kit.start(['env', 'NOTIFY_SOCKET', 'WATCHDOG_USEC'], { spec: { notify: asked } });
        return JSON.parse(await kit.printed(target, '}\n')) as { readonly NOTIFY_SOCKET: string | null; readonly WATCHDOG_USEC: string | null };
      };
      const watched = await environment({ watchdogMs: 1_500 });
      assert.match(watched.NOTIFY_SOCKET ?? 'null', /^[/@]./);
      assert.equal(watched.WATCHDOG_USEC, '1500000');
      const plain = await environment({ watchdogMs: null });
      assert.match(plain.NOTIFY_SOCKET ?? 'null', /^[/@]./);
      assert.equal(plain.WATCHDOG_USEC, null);
      assert.deepEqual(await environment(null), { NOTIFY_SOCKET: null, WATCHDOG_USEC: null }, 'one that does not tell of itself');
    },
  },
];
