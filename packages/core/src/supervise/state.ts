import type { WorkerKind } from '@ostler/sdk';
import type { Life } from './life.ts';
import { crashLoopFailures } from './restart.ts';

export type WorkerState =
  | 'waiting'
  | 'preparing'
  | 'starting'
  | 'running'
  | 'healthy'
  | 'unhealthy'
  | 'stopping'
  | 'backoff'
  | 'crash-looping'
  | 'stopped'
  | 'done'
  | 'failed'
  | 'unknown';

/** What `ps` calls the four axes together. */
export function stateOf(life: Life): WorkerState {
  if (life.blind !== null && !['idle', 'done', 'failed', 'backoff', 'waiting'].includes(life.phase)) return 'unknown';
  switch (life.phase) {
    case 'idle':
      return life.want === 'run' ? 'waiting' : 'stopped';
    case 'done':
    case 'failed':
      return life.want === 'held' ? 'stopped' : life.phase;
    case 'unresolved':
      return 'unknown';
    case 'backoff':
      return life.failures >= crashLoopFailures ? 'crash-looping' : 'backoff';
    case 'running':
      return life.health === 'ok' ? 'healthy' : life.health === 'bad' ? 'unhealthy' : 'running';
    case 'waiting':
    case 'preparing':
    case 'starting':
    case 'stopping':
      return life.phase;
  }
}

/**
 * How a worker came out: `null` while that is open. `ok` also for what is held by a wish, done, or a schedule that waits; `bad` for what is not well
 * and will not be soon.
 */
export function verdictOf(life: Life, kind: WorkerKind): 'ok' | 'bad' | null {
  if (life.blind !== null && life.phase !== 'idle') return null;
  switch (stateOf(life)) {
    case 'healthy':
    case 'done':
      return 'ok';
    case 'stopped':
      // Held by nobody's wish.
      return life.heldBy === 'health' ? 'bad' : 'ok';
    case 'failed':
    case 'crash-looping':
    case 'unhealthy':
      return 'bad';
    case 'waiting':
      return kind === 'cron' && life.phase === 'idle' ? 'ok' : null;
    case 'running':
      // A run of a schedule, or a job, that is under way is what was wanted.
      return kind === 'cron' ? 'ok' : null;
    default:
      return null;
  }
}
