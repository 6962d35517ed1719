import { readFileSync } from 'node:fs';
import type { Usage } from '@ostler/sdk';

const root = '/sys/fs/cgroup';

/**
 * The counters of the cgroup in which a pid is. `null` = it is no process of this container on this host, or it has no counters here. Field names as in
 * the kernel's cgroup-v1 and cgroup-v2 documents.
 */
export function cgroupUsage(pid: number, id: string): Usage | null {
  if (process.platform !== 'linux' || pid <= 1) return null;
  const text = read(`/proc/${String(pid)}/cgroup`);
  if (text === null || !text.includes(id)) return null;
  const paths = new Map<string, string>();
  for (const line of text.trim().split('\n')) {
    const [, names = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    for (const name of names.split(',')) paths.set(name, path);
  }
  const usage = paths.has('cpuacct') ? v1(paths) : v2(paths.get('') ?? '');
  return usage.cpuNs === null && usage.memoryBytes === null ? null : usage;
}

function v1(paths: ReadonlyMap<string, string>): Usage {
  const file = (controller: string, name: string): string | null =>
    paths.has(controller) ? read(`${root}/${controller}${paths.get(controller) ?? ''}/${name}`) : null;
  return {
    cpuNs: whole(file('cpuacct', 'cpuacct.usage')),
    memoryBytes: less(whole(file('memory', 'memory.usage_in_bytes')), field(file('memory', 'memory.stat'), 'total_inactive_file')),
    ioBytes: field(file('blkio', 'blkio.throttle.io_service_bytes_recursive'), 'Total'),
    processes: whole(file('pids', 'pids.current')),
    gpu: null,
  };
}

function v2(path: string): Usage {
  const file = (name: string): string | null => read(`${root}${path}/${name}`);
  const usec = field(file('cpu.stat'), 'usage_usec');
  const moved = [...(file('io.stat') ?? '').matchAll(/\b[rw]bytes=(\d+)/g)].map(([, bytes]) => Number(bytes));
  return {
    cpuNs: usec === null ? null : usec * 1000,
    memoryBytes: less(whole(file('memory.current')), field(file('memory.stat'), 'inactive_file')),
    ioBytes: moved.length === 0 ? null : moved.reduce((sum, bytes) => sum + bytes, 0),
    processes: whole(file('pids.current')),
    gpu: null,
  };
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function whole(text: string | null): number | null {
  return text !== null && /^\d+\s*$/.test(text) ? Number(text) : null;
}

function field(text: string | null, name: string): number | null {
  const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1];
  return value === undefined ? null : Number(value);
}

const less = (all: number | null, part: number | null): number | null => (all === null ? null : Math.max(0, all - (part ?? 0)));
