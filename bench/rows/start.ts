import { type Bench, messageOf, onSite, rounds } from '../bench.ts';
import { allStarted, launch } from '../launch.ts';
import { measures } from '../measures.ts';
import { add, note } from '../series.ts';

const budgetMs = 120_000;

/** From the exec of the supervisor to the first instructions of its last worker. */
export async function start(bench: Bench): Promise<void> {
  for (const n of bench.options.sizes) {
    await rounds(bench.contenders('start'), bench.options.repeats(n), budgetMs, async (peer, round) => {
      const series = bench.results.of('start', measures.start, n, peer.name);
      if (peer.note !== undefined) note(series, peer.note);
      bench.progress(`start ${n}: ${peer.name}, ${round + 1}`);
      try {
        const ms = await onSite(bench, peer, n, (site) => allStarted(launch(peer, site, undefined, peer.foreground?.(site))));
        add(series, ms);
        return true;
      } catch (error) {
        series.failed = messageOf(error);
        return false;
      }
    });
  }
}
