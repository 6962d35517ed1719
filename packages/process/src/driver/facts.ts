import { statfs } from 'node:fs/promises';
import { release } from 'node:os';
import type { EngineFacts } from '@ostler/sdk';
import type { CgroupPlace } from '../cgroup/place.ts';
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
      ...(place.own === null ? ['no cgroup of its own for a worker: a process that leaves session, parents and OSTLER_INSTANCE outlives stop'] : []),
      ...(missing.length === 0 ? [] : [`no limits on ${missing.join(', ')}: no such cgroup controller for this agent`]),
      ...(tools.setpriv === null ? ['no setpriv (util-linux): noNewPrivileges is not enforced'] : []),
      ...(program.notes ?? []),
    ],
  };
}
