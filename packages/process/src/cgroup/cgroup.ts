import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Limits } from '@ostler/sdk';

/** Absolute paths of one instance's cgroups. `own`: cgroup v2, for the tree. The others: where its limits are held; the same path on a v2 host. */
export interface CgroupPaths {
  readonly own: string | null;
  readonly memory: string | null;
  readonly cpu: string | null;
  readonly pids: string | null;
}

export const noCgroups: CgroupPaths = { own: null, memory: null, cpu: null, pids: null };

const each = (paths: CgroupPaths): readonly string[] => [...new Set([paths.own, paths.memory, paths.cpu, paths.pids])].filter((path) => path !== null);

const isV2 = (path: string): boolean => existsSync(join(path, 'cgroup.events'));

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The number after `key` in a flat keyed file (`memory.events`, `memory.oom_control`, `cpu.stat`). */
function readKeyed(path: string, key: string): number | null {
  const found = readText(path)?.match(new RegExp(`^${key} (\\d+)`, 'm'))?.[1];
  return found === undefined ? null : Number(found);
}

/** Makes the directories and writes the limits. Throws what the kernel answers. */
export function makeCgroups(paths: CgroupPaths, limits: Limits): void {
  for (const path of each(paths)) mkdirSync(path, { recursive: true, mode: 0o755 });
  const { memory, cpu, pids } = paths;
  // A v2 folder hands down what it is told to; v1 knows no such file.
  for (const [controller, path] of Object.entries({ memory, cpu, pids })) {
    const control = path === null ? null : join(dirname(path), 'cgroup.subtree_control');
    if (control !== null && existsSync(control)) writeFileSync(control, `+${controller}`);
  }
  if (memory !== null && limits.memoryBytes !== null) {
    const total = limits.memorySwapBytes ?? limits.memoryBytes;
    if (isV2(memory)) {
      writeFileSync(join(memory, 'memory.max'), String(limits.memoryBytes));
      if (existsSync(join(memory, 'memory.swap.max'))) writeFileSync(join(memory, 'memory.swap.max'), String(Math.max(0, total - limits.memoryBytes)));
    } else {
      writeFileSync(join(memory, 'memory.limit_in_bytes'), String(limits.memoryBytes));
      // Absent without swap accounting.
      if (existsSync(join(memory, 'memory.memsw.limit_in_bytes'))) writeFileSync(join(memory, 'memory.memsw.limit_in_bytes'), String(total));
    }
  }
  if (cpu !== null && limits.cpus !== null) {
    const quota = Math.max(1000, Math.round(limits.cpus * 100_000));
    if (isV2(cpu)) writeFileSync(join(cpu, 'cpu.max'), `${quota} 100000`);
    else {
      writeFileSync(join(cpu, 'cpu.cfs_period_us'), '100000');
      writeFileSync(join(cpu, 'cpu.cfs_quota_us'), String(quota));
    }
  }
  if (pids !== null && limits.pids !== null) writeFileSync(join(pids, 'pids.max'), String(limits.pids));
}

/** Every process in the instance's cgroups, and in those that it made below them. */
export function cgroupMembers(paths: CgroupPaths): readonly number[] {
  const found = new Set<number>();
  const walk = (path: string) => {
    for (const line of readText(join(path, 'cgroup.procs'))?.split('\n') ?? []) if (line !== '' && line !== '0') found.add(Number(line));
    for (const child of subgroups(path)) walk(child);
  };
  for (const path of each(paths)) walk(path);
  return [...found];
}

function subgroups(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(path, entry.name));
  } catch {
    return [];
  }
}

/** One write that ends all of them, forkers too (cgroup.kill, Linux 5.14). `false` where there is none. */
export function killCgroup(paths: CgroupPaths): boolean {
  if (paths.own === null) return false;
  try {
    writeFileSync(join(paths.own, 'cgroup.kill'), '1');
    return true;
  } catch {
    return false;
  }
}

/** Takes the empty cgroups away; one that still has processes stays. */
export function removeCgroups(paths: CgroupPaths): void {
  const remove = (path: string) => {
    for (const child of subgroups(path)) remove(child);
    try {
      rmdirSync(path);
    } catch {
      // Busy or gone: tree members are told by cgroupMembers, not here.
    }
  };
  for (const path of each(paths)) {
    remove(path);
    // The agent's own folder goes with its last instance.
    try {
      rmdirSync(dirname(path));
    } catch {
      // Others are in it.
    }
  }
}

/** How many of its processes the kernel killed for memory since it was made; `null` = nobody counted. */
export function oomKills(paths: CgroupPaths): number | null {
  if (paths.memory === null) return null;
  return readKeyed(join(paths.memory, 'memory.events'), 'oom_kill') ?? readKeyed(join(paths.memory, 'memory.oom_control'), 'oom_kill');
}

/** Cumulative use, as far as these cgroups count it. Memory is without what the kernel would give back at once: files that were read or written once. */
export function cgroupUsage(paths: CgroupPaths): { readonly cpuNs: number | null; readonly memoryBytes: number | null } {
  const microseconds = paths.own === null ? null : readKeyed(join(paths.own, 'cpu.stat'), 'usage_usec');
  return { cpuNs: microseconds === null ? null : microseconds * 1000, memoryBytes: paths.memory === null ? null : memoryIn(paths.memory) };
}

/** As `docker stats` counts it: without `inactive_file` (v2), `total_inactive_file` (v1, with the groups below). */
function memoryIn(path: string): number | null {
  const text = readText(join(path, 'memory.current')) ?? readText(join(path, 'memory.usage_in_bytes'));
  if (text === null) return null;
  const stat = join(path, 'memory.stat');
  return Math.max(0, Number(text) - (readKeyed(stat, 'total_inactive_file') ?? readKeyed(stat, 'inactive_file') ?? 0));
}
