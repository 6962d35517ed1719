import type { Call, Usage } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import type { ContainerJson } from '../engine/json.ts';
import { cgroupUsage } from './cgroup-usage.ts';

interface StatsJson {
  readonly cpu_stats?: { readonly cpu_usage?: { readonly total_usage?: number } };
  readonly memory_stats?: { readonly usage?: number; readonly stats?: Readonly<Record<string, number>> };
  readonly pids_stats?: { readonly current?: number };
  readonly blkio_stats?: { readonly io_service_bytes_recursive?: readonly { readonly op: string; readonly value: number }[] | null };
}

/** Counters of a running container: from its cgroup where that is on this host, for engines take up to a second to answer, else from the engine. */
export async function usageOf(engine: Connection, found: ContainerJson, worker: string, call: Call): Promise<Usage | null> {
  const near = cgroupUsage(found.State.Pid, found.Id);
  if (near !== null) return near;
  const { status, value } = await engine.json<StatsJson>({
    path: `/containers/${found.Id}/stats`,
    query: { stream: false, 'one-shot': true },
    what: `read the usage of ${worker}`,
    accepts: [404, 409],
    signal: call.signal,
  });
  return status === 200 ? fromStats(value) : null;
}

function fromStats({ cpu_stats, memory_stats, pids_stats, blkio_stats }: StatsJson): Usage {
  const moved = (blkio_stats?.io_service_bytes_recursive ?? []).filter(({ op }) => /^(read|write)$/i.test(op));
  const { usage, stats } = memory_stats ?? {};
  // What the kernel would give back at once is not used by the worker: as the docker command counts.
  const cached = stats?.['total_inactive_file'] ?? stats?.['inactive_file'] ?? 0;
  return {
    cpuNs: cpu_stats?.cpu_usage?.total_usage ?? null,
    memoryBytes: usage === undefined ? null : Math.max(0, usage - cached),
    ioBytes: moved.length === 0 ? null : moved.reduce((sum, one) => sum + one.value, 0),
    processes: pids_stats?.current ?? null,
    gpu: null,
  };
}
