import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Cancel, CoreClock } from './clock.ts';

const firstMs = 3000;
const everyMs = 15_000;
const longestMs = 600_000;
/** Growth since the last time that is worth a pause: some 20 ms for 30 MiB, 50 to 100 ms for three times as much. */
const slackOf = (keptBytes: number): number => Math.max(2 * 2 ** 20, keptBytes / 8);

/**
 * Gives back what the loop's heap needed for a moment: to come up, or to start many workers. V8 by itself collects when more is asked for, and an
 * agent at rest asks for little, so it would keep twice what it needs for days. One that needs it again each time is not at rest: it is left alone for
 * longer and longer. Returns what ends it.
 */
export function keepTidy(clock: CoreClock): () => void {
  const collect = collector();
  leaveItToUs();
  let keptBytes = 0;
  let waitMs = everyMs / 2;
  const look = (): void => {
    if (getHeapStatistics().total_heap_size > keptBytes + slackOf(keptBytes)) {
      collect();
      keptBytes = getHeapStatistics().total_heap_size;
      waitMs = Math.min(2 * waitMs, longestMs);
    } else waitMs = everyMs;
    cancel = clock.after(waitMs, look);
  };
  let cancel: Cancel = clock.after(firstMs, look);
  return () => cancel();
}

/** V8's own, found in a context made after the flag was set. Not the inspector's: closed in its own callback it hangs the loop (Node 26.10). */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as (how: object) => void;
  // Only the last resort returns pages to the system.
  return () => gc({ type: 'major', flavor: 'last-resort', execution: 'sync' });
}

/**
 * V8's own way to make a heap at rest smaller marks all of it, over and over, as long as now and then something is made: 120 of the 200 ms of CPU that
 * an agent with 1,000 workers used in 30 s at rest. The flag is read each time; a V8 that does not know it would say so on stderr, and that of Node 26
 * is the oldest that was seen to.
 */
function leaveItToUs(): void {
  if (Number(process.versions.node.split('.')[0]) >= 26) setFlagsFromString('--memory-reducer-gc-count=0');
}
