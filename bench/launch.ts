import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from './peers/peer.ts';
import { belonging, type Process, processes, workersOf } from './processes.ts';
import type { Site } from './site.ts';
import { lastStart, msBetween, Stamps } from './stamps.ts';
import { began } from './sweep.ts';

/** A supervisor that was started. */
export interface Launched {
  readonly peer: Peer;
  readonly site: Site;
  readonly stamps: Stamps;
  /** CLOCK_MONOTONIC right before its exec, ns. */
  readonly startedNs: bigint;
  /** Its exit code or signal, once the command that started it has ended. */
  ended(): string | number | null;
}

/** Lays the peer's files and boots what must be there before it; neither is timed. */
export async function prepare(peer: Peer, site: Site): Promise<void> {
  peer.lay(site);
  began(peer, site);
  await peer.boot?.(site);
}

/** Starts the supervisor; its own output goes to files of the site. */
export function launch(peer: Peer, site: Site, stamps = new Stamps(site.stamps), line = peer.command(site)): Launched {
  const [command = '', ...args] = line;
  const [out, err] = ['supervisor.out', 'supervisor.err'].map((name) => openSync(join(site.dir, name), 'a', 0o600)) as [number, number];
  let ended: string | number | null = null;
  const startedNs = process.hrtime.bigint();
  // A group of its own: Ctrl-C on a terminal is for the bench, which then ends it.
  const child = spawn(command, args, { cwd: site.dir, env: { ...environment(), ...peer.environment?.(site) }, stdio: ['ignore', out, err], detached: true });
  child.on('error', (error) => (ended = error.message));
  child.on('exit', (code, signal) => (ended = signal ?? code));
  child.unref();
  closeSync(out);
  closeSync(err);
  return { peer, site, stamps, startedNs, ended: () => ended };
}

/** What every peer gets: no setting of the person who runs the bench. */
export const environment = (): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
  HOME: process.env['HOME'] ?? '/',
  LANG: 'C.UTF-8',
});

/** From the supervisor's exec to the first stamp of its last worker, ms. Throws when one does not come. */
export async function allStarted(launched: Launched): Promise<number> {
  const { stamps, site, startedNs } = launched;
  const deadlineMs = 30_000 + 300 * site.n;
  const hasFailed = (): boolean => ![null, 0].includes(launched.ended() as number | null);
  const last = await stamps.until((all) => lastStart(all, site.n), deadlineMs, { everyMs: site.n > 50 ? 10 : 2, giveUp: hasFailed });
  if (last !== null) return msBetween(startedNs, last);
  const started = new Set(stamps.read().map(({ index }) => index)).size;
  const why = hasFailed() ? `it ended with ${launched.ended()}` : `after ${deadlineMs / 1000} s`;
  throw new Error(`${started} of ${site.n} workers were started: ${why}${said(site)}`);
}

/** The end of what the supervisor itself said. */
export function said(site: Site): string {
  const text = ['supervisor.err', 'supervisor.out']
    .map((name) => {
      try {
        return readFileSync(join(site.dir, name), 'utf8').trim();
      } catch {
        return '';
      }
    })
    .find((one) => one !== '');
  return text === undefined ? '' : `; it said: ${text.slice(-600)}`;
}

/** The run's processes by what they are. */
export interface Crew {
  readonly supervisor: readonly Process[];
  readonly holders: readonly Process[];
  /** Worker index -> pid. */
  readonly workers: ReadonlyMap<number, number>;
}

export function crewOf({ peer, site }: Pick<Launched, 'peer' | 'site'>): Crew {
  const all = processes();
  const workers = workersOf(site, all);
  const pids = new Set(workers.values());
  const run = belonging(site, all);
  const of = (role: 'supervisor' | 'holder'): Process[] => run.filter((one) => !pids.has(one.pid) && peer.role(one, run) === role);
  return { supervisor: of('supervisor'), holders: of('holder'), workers };
}
