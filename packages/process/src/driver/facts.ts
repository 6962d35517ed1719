import { statfs } from 'node:fs/promises';
import { release } from 'node:os';
import type { EngineFacts } from '@ostler/sdk';
import type { Holder } from '../holder/holder.ts';
import type { Opened } from '../holder/holders.ts';
import type { Tools } from '../launch/wrapper.ts';
import type { Host } from './host.ts';
import type { ProgramFacts } from './options.ts';

export async function factsOf(
  name: string,
  state: string,
  host: Host,
  { main, cgroups: place, degraded }: Opened,
  program: ProgramFacts,
): Promise<EngineFacts> {
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
      ...(degraded === null ? [] : [withoutCompiled(degraded)]),
      ...(place.own === null ? [withoutCgroup(tools, main.name)] : []),
      ...(missing.length === 0 ? [] : [`no limits on ${missing.join(', ')}: no such cgroup controller for this agent`]),
      ...(main.name === 'sh' && tools.setpriv === null ? ['no setpriv (util-linux): noNewPrivileges is not enforced'] : []),
      ...(program.notes ?? []),
    ],
  };
}

function withoutCgroup(tools: Tools, holder: Holder['name']): string {
  const all = 'leaves its session and parents, drops OSTLER_INSTANCE, closes its output and changes its limits';
  const what = 'no cgroup of its own for a worker: a process outlives stop that';
  if (process.platform !== 'linux') return `${what} leaves its session and parents and drops OSTLER_INSTANCE`;
  if (holder === 'compiled') return `${what} ${all}, if the holder was killed before`;
  return tools.prlimit === null ? `${what} ${all.replace(' and changes its limits', '')}; prlimit (util-linux) would mend that` : `${what} ${all}`;
}

/** What the sh holder cannot keep; holder/README.md lists it. */
function withoutCompiled(why: string): string {
  return (
    `degraded: workers are held by the sh holder (${why}): log lines have no times, health.notify is refused, more memory for each worker, ` +
    'output stalls at 64 KiB when its drainer is killed or the disk is full, and `exit 137` cannot be told from SIGKILL'
  );
}
