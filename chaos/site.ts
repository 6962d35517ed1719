import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeGroup } from '../bench/peers/cgroup.ts';
import { compile } from '../bench/peers/floors.ts';
import { type Process, processes } from '../bench/processes.ts';
import { existsWithin } from './process.ts';

/** Where one run takes place. Everything that it starts bears `dir` in its command line or works below it. */
export interface Site {
  readonly dir: string;
  /** The built worker.c. */
  readonly worker: string;
  /** What the workers write for the observer: outside of the data directory, so that no full disk hides it. */
  readonly place: string;
  readonly hostFile: string;
  readonly socket: string;
  readonly dataDir: string;
  /** The folder of the small disk under the data directory; `null`: it is on the disk of `dir`, and why. */
  readonly disk: string | null;
  readonly noDisk: string | null;
}

const diskBytes = '64m';

/** A fresh folder, its worker compiled, with a small tmpfs where this user may mount one. Throws without a C compiler. */
export function openSite(): Site {
  const dir = mkdtempSync(join(realpathSync(tmpdir()), 'ostler-chaos-'));
  const place = join(dir, 'place');
  for (const folder of ['', 'locks', 'ready']) mkdirSync(join(place, folder));
  const worker = join(dir, 'chaos-worker');
  const disk = join(dir, 'disk');
  mkdirSync(disk);
  const noDisk = mountAt(disk);
  const site = {
    dir,
    worker,
    place,
    hostFile: join(dir, 'ostler.json'),
    socket: join(dir, 's'),
    dataDir: join(disk, 'data'),
    disk: noDisk === null ? disk : null,
    noDisk,
  };
  try {
    compile(fileURLToPath(new URL('worker.c', import.meta.url)), worker);
  } catch (error) {
    closeSite(site, false);
    throw error;
  }
  return site;
}

function mountAt(disk: string): string | null {
  if (process.getuid?.() !== 0) return 'only root can mount the small disk that is filled';
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes},mode=0700`, 'tmpfs', disk], { encoding: 'utf8' });
  return status === 0 ? null : `the small disk that is filled cannot be mounted: ${(error?.message ?? stderr).trim()}`;
}

/** What of this run lives, this process and the observer aside. */
export function belonging({ dir }: Site, spared: ReadonlySet<number>): readonly Process[] {
  return processes().filter(({ pid, words }) => !spared.has(pid) && (words.some((word) => word.includes(`${dir}/`)) || existsWithin(pid, dir)));
}

const cell = new Int32Array(new SharedArrayBuffer(4));
const sweepMs = 20_000;

/** Kills what is left, each by its pid, agents first; then takes the folder away, and whatever the agent made in the system's cgroups. Synchronous. */
export function closeSite(site: Site, keep: boolean): void {
  const spared = new Set([process.pid]);
  const end = performance.now() + sweepMs;
  for (let left = belonging(site, spared); left.length > 0 && performance.now() < end; left = belonging(site, spared)) {
    const agents = left.filter(({ words }) => words.includes('serve'));
    for (const { pid } of agents.length > 0 ? agents : left) kill(pid);
    Atomics.wait(cell, 0, 0, 20);
  }
  removeGroups(site);
  if (keep) return;
  if (site.disk !== null) spawnSync('umount', ['-l', site.disk]);
  rmSync(site.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It went by itself.
  }
}

function removeGroups({ dataDir }: Site): void {
  const id = join(dataDir, 'agent.id');
  if (!existsSync(id)) return;
  const own = readFileSync(id, 'utf8').slice(0, 8);
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => (/ - cgroup2? /.test(line) ? [line.split(' ')[4] ?? ''] : []));
  for (const mount of mounts) for (const name of [`ostler-${own}`, `ostler-holders-${own}`]) removeGroup(join(mount, name));
}
