import assert from 'node:assert/strict';
import type { LogRecord, RuntimeDriver } from '@ostler/sdk';
import { within } from '../wait-for.ts';
import type { ConformanceCase } from './case.ts';
import { bytesOf, type Kit, textOf } from './kit.ts';

const lineText = (count: number, from = 0): string => Array.from({ length: count }, (_, i) => `line ${String(from + i).padStart(7, '0')}\n`).join('');
/** Bytes of one such line. */
const lineBytes = 13;

/** Waits until the worker ended and its log is whole. */
async function ended(kit: Kit, probe: readonly string[], logs?: { readonly maxSizeBytes: number; readonly maxFiles: number }) {
  const started = await kit.start(probe, logs === undefined ? {} : { spec: { logs } });
  await kit.exit(started.target);
  return started;
}

async function follow(kit: Kit, target: Parameters<Kit['records']>[0], driver?: RuntimeDriver): Promise<readonly LogRecord[]> {
  return within('a followed log ends', 30_000, kit.records(target, { follow: true, ...(driver === undefined ? {} : { driver }) }));
}

function assertNoGap(records: readonly LogRecord[]): void {
  for (const record of records) assert.ok('bytes' in record, 'a gap, though nothing was rotated away');
}

export const logging: readonly ConformanceCase[] = [
  {
    id: 'logs-hold-every-byte-of-both-streams',
    line: 'logs: at least once at the seam · LogRecord { stream, bytes }',
    run: async (kit) => {
      const { target } = await ended(kit, ['both', '2000']);
      const records = await kit.records(target);
      assertNoGap(records);
      const want = (word: string): string => Array.from({ length: 2000 }, (_, i) => `${word} ${String(i)}\n`).join('');
      assert.equal(textOf(records, 'stdout'), want('out'));
      assert.equal(textOf(records, 'stderr'), want('err'));
    },
  },
  {
    id: 'logs-change-no-byte',
    line: 'bytes: Uint8Array (whatever the worker wrote, text or not)',
    run: async (kit) => {
      const { target } = await ended(kit, ['bytes']);
      const want = Buffer.concat([Buffer.from(Array.from({ length: 256 }, (_, i) => i)), Buffer.from('\n')]);
      assert.deepEqual(bytesOf(await kit.records(target)), want);
    },
  },
  {
    id: 'logs-keep-a-last-line-without-a-newline',
    line: 'The agent is never in the log path, so its death loses nothing',
    run: async (kit) => {
      const { target } = await ended(kit, ['unended', 'first\nthe last words']);
      assert.equal(textOf(await kit.records(target)), 'first\nthe last words');
      assert.equal(textOf(await follow(kit, target)), 'first\nthe last words');
    },
  },
  {
    id: 'logs-of-a-silent-worker-are-empty',
    line: 'logs(target, from, follow, call): AsyncIterable<LogRecord>',
    run: async (kit) => {
      const { target } = await ended(kit, ['exit', '0']);
      assert.deepEqual(await kit.records(target), []);
      assert.deepEqual(await follow(kit, target), []);
    },
  },
  {
    id: 'logs-resume-after-a-cursor',
    line: 'cursor: names the position AFTER its record · LogFrom { after }',
    run: async (kit) => {
      const { target } = await ended(kit, ['lines', '5000']);
      const records = await kit.records(target);
      const next = await kit.reopen();
      const some = [...new Set([0, 1, Math.floor(records.length / 2), records.length - 1])].filter((i) => i < records.length);
      for (const i of some) {
        const record = records[i] as LogRecord;
        const rest = await kit.records(target, { from: { after: record.cursor }, driver: next });
        const before = textOf(records.slice(0, i + 1));
        assert.equal(before + textOf(rest), lineText(5000), `after record ${String(i)} of ${String(records.length)}`);
      }
    },
  },
  {
    id: 'a-record-sent-twice-carries-the-same-cursor',
    line: 'compared for equality only … a record sent twice carries the same cursor and core drops it',
    run: async (kit) => {
      const { target } = await ended(kit, ['lines', '3000']);
      const positions = (records: readonly LogRecord[]): ReadonlyMap<string, number> => {
        let at = 0;
        const named = records.map((record): [string, number] => {
          at += 'bytes' in record ? record.bytes.length : 0;
          return [record.cursor, at];
        });
        return new Map(named);
      };
      const first = await kit.records(target);
      const again = await kit.records(target, { driver: await kit.reopen() });
      assert.equal(positions(first).size, first.length, 'two records share a cursor');
      const seen = positions(again);
      for (const [cursor, at] of positions(first)) if (seen.has(cursor)) assert.equal(seen.get(cursor), at);
      assert.equal(first.at(-1)?.cursor, again.at(-1)?.cursor, 'the end has two names');
      for (const record of first) assert.ok(record.cursor.length <= 256, 'a cursor of more than 256 characters');
    },
  },
  {
    id: 'logs-give-the-last-lines',
    line: 'LogFrom { tailLines }',
    run: async (kit) => {
      const { target } = await ended(kit, ['lines', '4000']);
      for (const tailLines of [1, 3, 1000]) {
        assert.equal(textOf(await kit.records(target, { from: { tailLines } })), lineText(tailLines, 4000 - tailLines));
      }
      assert.equal(textOf(await kit.records(target, { from: { tailLines: 9999 } })), lineText(4000));
    },
  },
  {
    id: 'a-followed-log-ends-with-its-worker',
    line: 'logs(…, follow): Pulled (backpressure)',
    run: async (kit) => {
      const { target } = await kit.start(['both', '3000']);
      const records = await follow(kit, target);
      assert.equal(bytesOf(records, 'stdout').length + bytesOf(records, 'stderr').length, bytesOf(await kit.records(target)).length * 2);
      assert.ok(textOf(records).endsWith('out 2999\n'));
    },
  },
  {
    id: 'records-and-gaps-are-what-was-written',
    line: 'over rotation … gaps counted: records plus gaps equal bytes written',
    run: async (kit) => {
      const count = 40_000;
      const { target } = await ended(kit, ['lines', String(count)], { maxSizeBytes: 32 * 1024, maxFiles: 3 });
      const records = await kit.records(target);
      const kept = textOf(records);
      const gaps = records.map((record) => ('gap' in record ? record.gap : 0));
      assert.ok(!gaps.includes(null), 'a gap of unknown size, though nothing but rotation happened');
      const lost = gaps.reduce<number>((sum, gap) => sum + (gap ?? 0), 0);
      assert.equal(lost + kept.length, count * lineBytes);
      assert.ok(lost > 0, `three segments of 32 KiB hold ${String(kept.length)} bytes`);
      assert.ok(lineText(count).endsWith(kept), 'what is kept is not the end');
    },
  },
  {
    id: 'an-agent-death-loses-no-line',
    line: 'The agent is never in the log path, so its death loses nothing',
    timeoutMs: 120_000,
    run: async (kit) => {
      await kit.needsAgentDeath();
      const agent = await kit.agentProcess();
      const ref = kit.ref();
      const target = { ref, handle: null };
      await agent.start(ref, await kit.prepared(ref, ['tick']));
      await kit.printed(target, 'tick 20\n');
      await agent.kill9();
      const seen = (await kit.printed(target, 'tick 20\n')).split('\n').length;
      const driver = await kit.reopen();
      await kit.printed(target, `tick ${String(seen + 200)}\n`, driver);
      await driver.stop(target, { signal: 'SIGTERM', graceMs: 5_000 }, kit.call());
      const records = await kit.records(target, { driver });
      assertNoGap(records);
      const lines = textOf(records).trimEnd().split('\n');
      assert.deepEqual(
        lines,
        lines.map((_, i) => `tick ${String(i)}`),
      );
    },
  },
];
