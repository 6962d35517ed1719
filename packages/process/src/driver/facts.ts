import { statfs } from 'node:fs/promises';
import { release } from 'node:os';
import type { EngineFacts } from '@ostler/sdk';
import type { CgroupPlace } from '../cgroup/place.ts';
import type { Tools } from '../launch/wrapper.ts';
import type { Host } from './host.ts';
import type { ProgramFacts } from './options.ts';

export async function factsOf(name: string, state: string, host: Host, place: CgroupPlace, program: ProgramFacts): Promise<EngineFacts> {
  const tied = host.tieToAgent();
  const tools = host.tools();
  const { bavail, bsize } = await statfs(state);
  const kept = (path: string | null) => (path === null ? 'none' : 'hard');
  const missing = (['memory', 'cpu', 'pids'] as const).filter((controller) => place[controller] === null);
  return {
    engine: host.store(),
    name,
    version: program.version ?? `${process.platform} ${release()}`,
    limits: { memory: kept(place.memory), cpu: kept(place.cpu), pids: kept(place.pids), gpuMemory: 'none' },
    gpus: [],
    disk: { path: state, freeBytes: bavail * bsize },
    outlives: { agent: tied === null, engine: true },
    notes: [
      ...(tied === null ? [] : [tied]),
      ...(place.own === null ? [withoutCgroup(tools)] : []),
      ...(missing.length === 0 ? [] : [`no limits on ${missing.join(', ')}: no such cgroup controller for this agent`]),
      ...(tools.setpriv === null ? ['no setpriv (util-linux): noNewPrivileges is not enforced'] : []),
      ...(program.notes ?? []),
    ],
  };
}

function withoutCgroup(tools: Tools): string {
  const what = 'no cgroup of its own for a worker: a process outlives stop';
  if (process.platform !== 'linux') return `${what} that leaves its session and parents and drops OSTLER_INSTANCE`;
  if (tools.prlimit === null)
    return `${what} that leaves its session and parents, drops OSTLER_INSTANCE and closes its output; prlimit (util-linux) would mend that`;
  return `${what} that leaves its session and parents, drops OSTLER_INSTANCE, closes its output and changes its limits`;
}
