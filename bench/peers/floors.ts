import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { linesIn } from './log-lines.ts';
import type { Peer } from './peer.ts';
import { firstLine } from './program.ts';

/** The path of a program that works beside a supervisor, or in its place. */
export const floorSource = (name: string): string => fileURLToPath(new URL(`../floors/${name}`, import.meta.url));

/** Builds a C program of the bench; throws with what the compiler said. */
export function compile(from: string, to: string): void {
  const flags = ['-O2', '-o', to, from];
  // Static, so that no dynamic loader stands between a supervisor and the stamp; a host may lack the archives for it.
  for (const more of [['-static'], []]) {
    const { status, stderr, error } = spawnSync('cc', [...more, ...flags], { encoding: 'utf8' });
    if (status === 0) return;
    if (more.length === 0) throw new Error(`a C compiler is needed for the worker (apt-get install gcc libc6-dev): ${error?.message ?? stderr}`);
  }
}

export const workerSource = fileURLToPath(new URL('../worker.c', import.meta.url));

/** What no supervisor can go below. `base`: where the C floor was built. */
export function floors(base: string): readonly Peer[] {
  const common: Pick<Peer, 'missing' | 'lay' | 'role'> = { missing: () => null, lay: () => {}, role: () => 'supervisor' };
  return [
    {
      ...common,
      name: 'floor: C spawn',
      rows: ['start', 'log'],
      note: 'posix_spawn loop, straight into one file, nothing supervised',
      version: () => firstLine('cc', '--version'),
      lay: () => compile(floorSource('spawn.c'), join(base, 'spawn')),
      command: (site) => [join(base, 'spawn'), String(site.n), site.worker, site.stamps, join(site.dir, 'log'), String(site.lines)],
      loggedLines: async ({ dir }) => (await linesIn([join(dir, 'log')])) - 1,
    },
    {
      ...common,
      name: 'floor: Node spawn',
      rows: ['start'],
      note: 'spawn loop, straight into one file, nothing supervised',
      version: () => process.version,
      command: (site) => [process.execPath, floorSource('spawn.mjs'), String(site.n), site.worker, site.stamps, join(site.dir, 'log')],
    },
    {
      ...common,
      name: 'floor: Node idle',
      rows: ['memory', 'idle'],
      note: 'does nothing, holds nothing',
      version: () => process.version,
      // Its last word is how the sweep knows it.
      command: (site) => [process.execPath, floorSource('idle.mjs'), site.dir],
    },
  ];
}
