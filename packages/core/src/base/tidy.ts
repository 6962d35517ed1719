import { Session } from 'node:inspector';
import { getHeapStatistics } from 'node:v8';
import type { Cancel, CoreClock } from './clock.ts';

const firstMs = 3000;
const everyMs = 15_000;
/** Growth since the last time that is worth a pause of some 50 ms. */
const slackBytes = 16 * 2 ** 20;

/**
 * Gives back what the loop's heap needed for a moment: to come up, or to start many workers. V8 by itself collects when more is asked for, and an
 * agent at rest asks for little, so it would keep twice what it needs for days. Returns what ends it.
 */
export function keepTidy(clock: CoreClock): () => void {
  let keptBytes = 0;
  const look = (): void => {
    if (getHeapStatistics().total_heap_size > keptBytes + slackBytes) {
      collect();
      keptBytes = getHeapStatistics().total_heap_size;
    }
    cancel = clock.after(everyMs, look);
  };
  let cancel: Cancel = clock.after(firstMs, look);
  return () => cancel();
}

function collect(): void {
  try {
    const session = new Session();
    session.connect();
    session.post('HeapProfiler.collectGarbage');
    session.disconnect();
  } catch {
    // A Node without an inspector.
  }
}
