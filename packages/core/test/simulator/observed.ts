import { isDeepStrictEqual } from 'node:util';
import type { Life, LifeEvent, Move, Scene } from '../../src/supervise/life.ts';

/** What must come of what is seen of a worker, where it does not depend on its phase alone. By docs/architecture.md. A sentence, or `null`. */
export function observedWrongly(event: LifeEvent, before: Life, scene: Scene, move: Move): string | null {
  return (
    unasked(event, scene, move) ??
    keptName(event, before, scene, move) ??
    sight(event, before, scene, move) ??
    evidence(event, move) ??
    nextTry(event, before, move) ??
    stopping(event, before, move) ??
    since(event, before, scene, move)
  );
}

/** A name may still be taken while a start under it was given up and nothing has answered to it since. */
function keptName(event: LifeEvent, before: Life, scene: Scene, { life }: Move): string | null {
  const expected = mayCome(event, before, scene, life);
  return expected === null || expected === life.mayCome ? null : `its last start ${expected ? 'may' : 'can not'} come any more, and that is not what is kept`;
}

function mayCome(event: LifeEvent, before: Life, scene: Scene, life: Life): boolean | null {
  if (life.phase === 'running' || (life.phase === 'starting' && life.instance !== before.instance)) return false;
  switch (event.type) {
    case 'created':
    case 'gone': {
      const isOpen = before.phase === 'starting' || before.unresolved === 'start';
      if (!isOpen || ('isSameEngine' in event && !event.isSameEngine)) return null;
      return before.want !== 'run' || scene.isDefined;
    }
    case 'exited':
      return before.phase === 'starting' || before.unresolved === 'start' ? false : null;
    case 'start-failed':
      return before.mayCome && !event.isAsked;
    default:
      return life.mayCome && !before.mayCome ? false : null;
  }
}

/** Who cannot be seen, since when, and that this is told once. */
function sight(event: LifeEvent, before: Life, scene: Scene, { life, facts, effects }: Move): string | null {
  const isElsewhere = event.type === 'gone' && !event.isSameEngine && ['starting', 'running', 'stopping', 'unresolved'].includes(before.phase);
  if (event.type === 'blind' || isElsewhere) {
    if (life.blind === null) return 'it cannot be seen, and nothing says so';
    if (isElsewhere && !life.blind.reason.startsWith('engine-replaced')) return 'another store of its engine answers, and nothing says so';
    if (before.blind !== null && life.blind.since !== before.blind.since) return 'it cannot be seen, as before, and is told to be so since now';
    const isTold = facts.some(({ type }) => type === 'worker.blind');
    if (before.blind?.reason === life.blind.reason) return life === before ? null : 'it cannot be seen, as before, and something changed';
    const isQuiet = event.type === 'blind' && ['idle', 'done', 'failed', 'waiting', 'backoff'].includes(before.phase);
    if (before.blind === null && life.blind.since !== scene.at) return `it cannot be seen since ${scene.at}, told is ${life.blind.since}`;
    return isTold === isQuiet ? `it cannot be seen, and that is ${isTold ? '' : 'not '}told` : null;
  }
  if (event.type === 'declare' && before.instance === null) return life.blind === null ? null : 'nothing of it is anywhere, and it is out of sight';
  if (event.type !== 'sighted') return isDeepStrictEqual(life.blind, before.blind) ? null : 'nothing was said of its sight, and that is another';
  if (life.blind !== null) return 'it can be seen, and does not know';
  const asksAgain = effects.some((effect) => effect.do === 'stop');
  if (before.blind !== null && before.phase === 'stopping' && !asksAgain) return 'it can be seen again, and its stop is not asked for again';
  return null;
}

/** It is ended for no limit that it has not. */
function unasked(event: LifeEvent, { rules }: Scene, { effects }: Move): string | null {
  if (event.type !== 'overdone' || effects.length === 0) return null;
  const { memoryAboveBytes, maxAgeMs, at } = rules.restart;
  const limits = { memory: memoryAboveBytes, age: maxAgeMs, at, timeout: rules.schedule?.timeoutMs ?? null };
  return limits[event.cause] === null ? `it is ended for its ${event.cause}, and has no such limit` : null;
}

function evidence(event: LifeEvent, { facts }: Move): string | null {
  const fact = facts.find(({ type }) => type === 'worker.stopping');
  if (fact === undefined) return null;
  const told = (fact.data as { readonly evidence?: string }).evidence ?? null;
  const isFollowing = event.type === 'restart' && event.cause === 'dependency';
  const given = event.type === 'overdone' ? event.evidence : isFollowing ? event.by : null;
  return told === given ? null : `it is stopped upon ${given}, told is ${told}`;
}

/** A start that failed is followed by another under its own name while that may still be taken, else by a new one; what failed because of its engine, by the same. */
function nextTry(event: LifeEvent, before: Life, { life, facts }: Move): string | null {
  if (event.type !== 'start-failed' || event.failure.outcome !== 'no' || event.failure.code.startsWith('engine-')) return null;
  if (life.want !== 'run' || (life.phase !== 'waiting' && life.phase !== 'backoff')) return null;
  // Given up, with the next run of its schedule waiting for that.
  if (before.isQueued && !life.isQueued && facts.every(({ type }) => type !== 'worker.backoff'))
    return life.startCause === 'due' ? null : 'the run that was queued is not what comes';
  const expected = life.mayCome ? 'again' : 'start-failed';
  return life.startCause === expected ? null : `it is to be started for ${life.startCause}, not for ${expected}`;
}

/** A stop that a dead agent left is asked for again, one that is under way is not. */
function stopping(event: LifeEvent, before: Life, { effects }: Move): string | null {
  if (event.type !== 'running' || before.phase !== 'stopping') return null;
  const asksAgain = effects.some((effect) => effect.do === 'stop');
  return asksAgain === (event.how === 'adopted') ? null : `it runs (${event.how}), and its stop is ${asksAgain ? '' : 'not '}asked for again`;
}

/** By what is told of its start. */
function since(event: LifeEvent, before: Life, scene: Scene, { life }: Move): string | null {
  if (event.type !== 'running' || life.phase !== 'running' || before.phase === 'running') return null;
  const told = Date.parse(event.seen.startedAt);
  const startedMs = Number.isNaN(told) ? scene.nowMs : told;
  return life.startedMs === startedMs ? null : `it has run since ${startedMs}, kept is ${life.startedMs}`;
}
