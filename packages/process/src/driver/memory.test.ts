import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ProcessEntry } from '../identity/process-stat.ts';
import { readProcess } from '../identity/process-table.ts';
import { descendantsOf } from '../tree/descendants.ts';
import { type Bench, bench, call, logsOf, until } from './fixtures/bench.ts';
import { memoryOf } from './memory.ts';

const mib = 1 << 20;

describe.runIf(process.platform === 'linux')('the memory of a worker', () => {
  let b: Bench;
  beforeEach(() => {
    b = bench();
  });
  afterEach(() => b.end());

  /** A shell with 20 MiB in a variable, which then does `rest`; told what it uses and who it is once there are so many processes. */
  const usedBy = async (rest: string, processes: number) => {
    const target = await b.start(['sh', '-c', `x=$(head -c ${20 * mib} /dev/zero | tr '\\0' x); echo up; ${rest}`]);
    await until(async () => (await logsOf(b.driver, target)).stdout === 'up\n', 'the variable');
    const { memoryBytes } = await until(async () => {
      const [usage] = await b.driver.stats([target], call());
      return usage?.processes === processes ? usage : null;
    }, 'its processes');
    const found = await b.driver.inspect(target, call());
    return { memoryBytes, pid: found.is === 'running' ? (found.pid as number) : 0 };
  };
  const expectNear = (bytes: number | null | undefined) => {
    expect(bytes).toBeGreaterThan(20 * mib);
    expect(bytes).toBeLessThan(40 * mib);
  };
  // Each with a sleep of its own.
  const forking = 'for i in 1 2 3 4 5 6 7; do (sleep 60; :) & done; sleep 60; :';

  test('counts the pages that forked processes share once', async () => {
    expectNear((await usedBy(forking, 16)).memoryBytes);
  });

  test('is estimated by those of its processes that there was time for', async () => {
    const { pid } = await usedBy(forking, 16);
    const tree = [readProcess(pid) as ProcessEntry, ...(descendantsOf(pid) ?? [])];
    expectNear(await memoryOf(tree, 0));
  });

  test('is what it has resident, if it is one process', async () => {
    expectNear((await usedBy('kill -STOP $$', 1)).memoryBytes);
  });
});

describe('of processes that no kernel tells of', () => {
  const entry = { ...(readProcess(process.pid) as ProcessEntry), pid: 2 ** 22 + 1 };

  test('where only ps tells it is the sum of what they have resident', async () => {
    expect(
      await memoryOf(
        [
          { ...entry, residentBytes: 3 * mib },
          { ...entry, residentBytes: 4 * mib },
        ],
        0,
      ),
    ).toBe(7 * mib);
  });

  test('one that has ended uses nothing, and does not keep the others from being counted', async () => {
    expect(
      await memoryOf(
        [
          { ...entry, residentBytes: 3 * mib },
          { ...entry, residentBytes: null },
        ],
        0,
      ),
    ).toBe(3 * mib);
  });
});
