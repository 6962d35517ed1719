import { type Hint, type InstanceRef, type LogFrom, type LogRecord, runtimeFailure } from '@ostler/sdk';
import type { World } from './world.ts';

/** Waits for the next change of the world, or for the signal. */
function nextChange(world: World, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      leave();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const leave = world.onHint(done);
    signal.addEventListener('abort', done, { once: true });
  });
}

export async function* fakeWatch(world: World, agent: string, signal: AbortSignal): AsyncGenerator<Hint> {
  const queue: Hint[] = [{ kind: 'gap', why: 'watch begins' }];
  const leave = world.onHint((hint) => {
    if (hint.kind === 'gap' || hint.ref.agent === agent) queue.push(hint);
  });
  try {
    while (!signal.aborted) {
      const hint = queue.shift();
      if (hint !== undefined) yield hint;
      else await nextChange(world, signal);
    }
  } finally {
    leave();
  }
}

/** One record a line; the cursor is the number of the line. */
export async function* fakeLogs(world: World, ref: InstanceRef, from: LogFrom, follow: boolean, signal: AbortSignal): AsyncGenerator<LogRecord> {
  const found = world.find(ref);
  if (found === undefined)
    throw runtimeFailure({ code: 'not-found', outcome: 'no', retryable: false, message: `there is no instance ${ref.instance} of ${ref.worker}` });
  let at = firstLine(from, found.lines.length);
  while (!signal.aborted) {
    const one = world.find(ref);
    const line = one?.lines[at];
    if (line !== undefined) {
      at += 1;
      yield { cursor: String(at), at: null, stream: 'stdout', bytes: new TextEncoder().encode(`${line}\n`) };
    } else if (!follow || one === undefined || one.is === 'exited') {
      return;
    } else {
      await nextChange(world, signal);
    }
  }
}

function firstLine(from: LogFrom, total: number): number {
  if (from === 'start' || 'since' in from) return 0;
  return 'after' in from ? Number(from.after) : Math.max(0, total - from.tailLines);
}
