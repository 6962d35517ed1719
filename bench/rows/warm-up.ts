import { type Bench, messageOf, whileUp } from '../bench.ts';
import type { Peer } from '../peers/peer.ts';

/** Every contender is started once before anything counts: files into the page cache, modules into the compile cache. */
export async function warmUp(bench: Bench, peers: readonly Peer[]): Promise<void> {
  for (const peer of peers) {
    if (!peer.rows.includes('start')) continue;
    bench.progress(`warm-up: ${peer.name}`);
    await whileUp(bench, peer, 1, async () => {}).catch((error: unknown) => bench.progress(`warm-up of ${peer.name} failed: ${messageOf(error)}`));
  }
}
