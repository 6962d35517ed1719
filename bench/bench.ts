import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { allStarted, type Launched, launch, prepare } from './launch.ts';
import type { Options } from './options.ts';
import type { Peer, RowName } from './peers/peer.ts';
import type { Results } from './series.ts';
import type { Beside, Site, Sites } from './site.ts';
import { finish } from './sweep.ts';

/** What a row is given to do its work. */
export interface Bench {
  readonly options: Options;
  readonly sites: Sites;
  readonly results: Results;
  /** Those that are here and take part in a row. */
  contenders(row: RowName): readonly Peer[];
  progress(text: string): void;
}

/** Runs `work` on a site of its own and ends whatever it began there. */
export async function onSite<X>({ sites, options }: Bench, peer: Peer, n: number, work: (site: Site) => Promise<X>, beside: Beside = {}): Promise<X> {
  // What the run before has left to write is not this one's to wait for.
  spawnSync('sync', { timeout: 60_000 });
  const site = sites.fresh(peer.name, n, beside);
  try {
    await prepare(peer, site);
    return await work(site);
  } finally {
    await finish(peer, site);
    // The log of a flood is few files and much room: deleting it slows nothing down, keeping all of them could fill the disk.
    if (site.lines > 0 && !options.keep) rmSync(site.dir, { recursive: true, force: true });
    await pause(200);
  }
}

/** The same with all its workers started. */
export function whileUp<X>(bench: Bench, peer: Peer, n: number, work: (launched: Launched) => Promise<X>, beside: Beside = {}): Promise<X> {
  const whenUp = async (site: Site): Promise<X> => {
    const launched = launch(peer, site);
    await allStarted(launched);
    return await work(launched);
  };
  return onSite(bench, peer, n, whenUp, beside);
}

/**
 * Repeats in rounds, so that a change of the machine's mood meets every contender alike. Who fails is not asked again; who has used up `budgetMs` is not
 * either, after two rounds.
 */
export async function rounds(peers: readonly Peer[], count: number, budgetMs: number, once: (peer: Peer, round: number) => Promise<boolean>): Promise<void> {
  const spentMs = new Map<Peer, number>();
  const failed = new Set<Peer>();
  for (let round = 0; round < count; round++)
    for (const peer of peers) {
      const spent = spentMs.get(peer) ?? 0;
      if (failed.has(peer) || (round >= 2 && spent * (1 + 1 / round) > budgetMs)) continue;
      const from = performance.now();
      if (!(await once(peer, round))) failed.add(peer);
      spentMs.set(peer, spent + performance.now() - from);
    }
}

const root = fileURLToPath(new URL('..', import.meta.url));

/** Without the place of this checkout: results are kept and shared. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replaceAll(root, '');
