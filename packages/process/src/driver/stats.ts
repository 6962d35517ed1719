import { readFileSync } from 'node:fs';
import type { Usage } from '@ostler/sdk';
import { cgroupUsage } from '../cgroup/cgroup.ts';
import type { ProcessEntry } from '../identity/process-stat.ts';
import type { InstanceDirectory } from '../instance/directory.ts';
import { workerMembers } from '../tree/members.ts';
import { memoryOf } from './memory.ts';

/** Linux counts ticks of 1/100 s for user space on every architecture of today (sysconf(_SC_CLK_TCK)). */
const nsPerTick = 10_000_000;

function sum(entries: readonly ProcessEntry[], read: (entry: ProcessEntry) => number | null): number | null {
  let total = 0;
  for (const entry of entries) {
    const value = read(entry);
    if (value === null) return null;
    total += value;
  }
  return total;
}

function fromFile(path: string, parse: (text: string) => number): number | null {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

/** From the cgroup where it counts, else the sum over the live tree (which forgets those that ended). */
export async function usageOf(instance: InstanceDirectory, table: () => ReadonlyMap<number, ProcessEntry>, shareUntilMs: number): Promise<Usage> {
  const members = workerMembers(instance, table);
  const grouped = cgroupUsage(instance.spec.cgroups);
  return {
    cpuNs: grouped.cpuNs ?? sum(members, (entry) => (entry.ticks === null ? null : entry.ticks * nsPerTick)),
    memoryBytes: grouped.memoryBytes ?? (await memoryOf(members, shareUntilMs)),
    ioBytes: sum(members, ({ pid }) =>
      fromFile(`/proc/${pid}/io`, (text) => [...text.matchAll(/^(?:read|write)_bytes: (\d+)/gm)].reduce((total, match) => total + Number(match[1]), 0)),
    ),
    processes: members.length,
    gpu: null,
  };
}
