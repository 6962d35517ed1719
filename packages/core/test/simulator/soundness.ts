import type { InstanceRecord } from '../../src/store/index.ts';
import { startCauses, stopCauses } from '../../src/supervise/cause.ts';
import type { Life } from '../../src/supervise/life.ts';
import { leftDue } from './wished.ts';

const atRest: ReadonlySet<string> = new Set(['idle', 'done', 'failed']);
/** Started because somebody asked for it, or it is due: what failed before counts no more. */
const anew: ReadonlySet<string> = new Set(['user', 'restart', 'changed', 'due', 'run']);
/** Started because the last one is no more, which nobody asked for. */
const again: ReadonlySet<string> = new Set(['exited', 'start-failed', 'unhealthy', 'memory', 'engine']);

/** How what an agent has decided contradicts itself, or what it was before; `null` = it does not. `at`: RFC 3339, when it was decided. */
export function unsound(life: Life, before: Life | null, row: InstanceRecord | null, at: string): string | null {
  return alone(life, row) ?? (before === null ? null : since(life, before, at));
}

function alone(life: Life, row: InstanceRecord | null): string | null {
  const { phase, health, unresolved, stopCause, startCause, nextTryAt, reason, startedMs, isQueued, instance, mayCome, want, heldBy, failures } = life;
  if (health === 'none' ? phase === 'running' : !['running', 'stopping', 'unresolved'].includes(phase)) return `its health is ${health}, and it is ${phase}`;
  if ((unresolved !== null) !== (phase === 'unresolved')) return `whether its ${unresolved} happened is open, and it is ${phase}`;
  if (stopCause !== null && !['running', 'stopping', 'unresolved'].includes(phase)) return `it is ${phase}, and is being stopped (${stopCause})`;
  if (phase === 'stopping' && (stopCause === null || reason !== `stopping: ${stopCauses[stopCause]}`)) return `it is ${reason} for ${stopCause}`;
  if (phase === 'starting' && reason !== `starting: ${startCauses[startCause]}`) return `it is ${reason} for ${startCause}`;
  if (phase === 'waiting' && reason.startsWith('to be started: ') && reason !== `to be started: ${startCauses[startCause]}`)
    return `it is ${reason} for ${startCause}`;
  if (phase === 'backoff' && nextTryAt === null) return 'it waits for a next try, and there is none';
  if (nextTryAt !== null && phase !== 'backoff' && !atRest.has(phase)) return `it is ${phase}, and has a next try`;
  if (isQueued && atRest.has(phase)) return `it is ${phase}, and a run of it is queued`;
  if (nextTryAt !== null && want !== 'run') return `it is ${want}, and has a next try`;
  if (phase === 'done' && failures > 0) return `it is done, and ${failures} failures count`;
  if (mayCome && (instance === null || phase === 'running')) return `it is ${phase} (${instance}), and may still come`;
  if ((want === 'run') !== (heldBy === null)) return `it is ${want}, by ${heldBy}`;
  if (phase === 'running' && row?.state === 'running' && row.startedAt !== null && startedMs !== Date.parse(row.startedAt))
    return `it has run since ${startedMs}, by its row since ${row.startedAt}`;
  return ['starting', 'running', 'stopping', 'unresolved'].includes(phase) && instance === null ? `it is ${phase}, and nothing is` : null;
}

function since(life: Life, before: Life, at: string): string | null {
  if (life.phase !== before.phase && life.epoch <= before.epoch) return `it came from ${before.phase} to ${life.phase}, and that began no epoch`;
  // What is found on an engine takes the place of what was without an event.
  if (life.instance !== before.instance && life.phase !== 'starting')
    return life.epoch > before.epoch ? null : 'it is another instance, and that began no epoch';
  return goesOn(life, before, at) ?? counts(life, before, at);
}

/** What a new phase begins with. */
function goesOn(life: Life, before: Life, at: string): string | null {
  const { phase, startCause, failures, isQueued, restarts } = life;
  if (phase === before.phase) return life.since === before.since ? null : `it is ${phase} as before, and since ${life.since} now`;
  if (life.since !== at) return `it is ${phase} since ${at}, told is ${life.since}`;
  if (phase === 'waiting' && anew.has(startCause) && failures > 0) return `it begins anew (${startCause}), and ${failures} failures count`;
  const isOver = before.phase === 'running' || before.phase === 'stopping';
  if (isOver && phase === 'waiting' && startCause === 'due' && isQueued) return 'the run that was queued begins, and is queued still';
  if (phase === 'idle' && isOver && life.want === 'run' && life.reason === 'stopped, its agent was ended' && life.lastDueAt !== leftDue(before))
    return `the agent is ended, and ${before.lastDueAt} was the last time that was due${isBefore(before)}; told is ${life.lastDueAt}`;
  const isCounted = phase === 'starting' && life.instance !== before.instance && before.instance !== null && again.has(startCause);
  if (phase === 'starting' && restarts !== before.restarts + (isCounted ? 1 : 0))
    return `it was restarted ${before.restarts} times before this start (${startCause}), and now ${restarts}`;
  return null;
}

const isBefore = ({ isQueued }: Life): string => (isQueued ? ', of a run that was queued' : '');

/** The first failure in a row says since when it fails. */
function counts({ failures, failingSince }: Life, before: Life, at: string): string | null {
  if (failures <= before.failures) return null;
  const since = failures === 1 ? at : before.failingSince;
  return failingSince === since ? null : `it fails since ${since}, told is ${failingSince}`;
}
