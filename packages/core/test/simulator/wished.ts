import { isDeepStrictEqual } from 'node:util';
import { beginsRun } from '../../src/supervise/cause.ts';
import type { Life, LifeEvent, Move, Scene } from '../../src/supervise/life.ts';
import { dueEveryMs } from './host.ts';

type Of<T extends LifeEvent['type']> = Extract<LifeEvent, { type: T }>;

/** A clock that is set back by more was wrong before (docs/host-file.md): by so much, or more, the next time of all was again to come. */
const repeatMs = 3 * 3_600_000;
const atRest: ReadonlySet<string> = new Set(['idle', 'done', 'failed']);
const beforeStart: ReadonlySet<string> = new Set(['waiting', 'preparing', 'backoff']);
/** It is being stopped, or what became of its last call is not known. */
const isOnTheWay = ({ phase }: Life): boolean => phase === 'stopping' || phase === 'unresolved';

/** A decision, and what it was made on. */
interface Told {
  readonly before: Life;
  readonly scene: Scene;
  readonly move: Move;
}

/**
 * What must come of a wish: of a person, of the host file, of an agent that ends. By docs/architecture.md and docs/host-file.md, not by the table that
 * decides it. A sentence, or `null`.
 */
export function mistaken(event: LifeEvent, before: Life, scene: Scene, move: Move): string | null {
  const told = { before, scene, move };
  return asked(event, told) ?? counted(event, told);
}

/** With which run of its worker what waits now goes on: with another one where it is due, or was asked for. */
function counted(event: LifeEvent, { before, move, scene }: Told): string | null {
  const { phase, startCause, epoch } = move.life;
  // What was queued is forgotten where there is no schedule any more.
  const hasCome = before.isQueued && !move.life.isQueued && scene.rules.kind === 'cron';
  const isAsked = ['due', 'run', 'start', 'restart'].includes(event.type) || hasCome;
  const isNew = phase === 'waiting' && epoch !== before.epoch && beginsRun.has(startCause) && (isAsked || !beforeStart.has(before.phase));
  return other(move.life, { runs: before.runs + (isNew ? 1 : 0) });
}

function asked(event: LifeEvent, told: Told): string | null {
  const { before } = told;
  switch (event.type) {
    case 'start':
      return event.cause === 'release' && atRest.has(before.phase) ? released(event, told) : started(event, told);
    case 'hold':
      return event.cause === 'shutdown' ? shutDown(told) : held(event, told);
    case 'remove':
      return removed(event, told);
    case 'restart':
      return event.cause === 'dependency' ? followed(told) : restarted(event, told);
    case 'declare':
      return declared(event, told);
    case 'run':
      return run(event, told);
    case 'cancel':
      return cancelled(event, told);
    case 'due':
    case 'missed':
      return dueOrMissed(event, told);
    default:
      return null;
  }
}

/** The first field that is not as it was to be. */
function other(now: Life, wanted: Partial<Life>): string | null {
  for (const [name, value] of Object.entries(wanted)) {
    const is = now[name as keyof Life];
    if (!isDeepStrictEqual(is, value)) return `its ${name} is ${JSON.stringify(is)}, and was to be ${JSON.stringify(value)}`;
  }
  return null;
}

/** That this is told once, or that it is not. */
function told({ facts }: Move, type: string, data: object | null): string | null {
  const found = facts.filter((fact) => fact.type === type);
  if (data === null) return found.length === 0 ? null : `${type} is told`;
  if (found.length !== 1) return `${type} is told ${found.length} times`;
  return isDeepStrictEqual({ ...found[0]!.data }, data) ? null : `${type} is told with ${JSON.stringify(found[0]!.data)}`;
}

const isSame = (move: Move, before: Life): string | null =>
  isDeepStrictEqual(move.life, before) && move.facts.length === 0 && move.effects.length === 0 ? null : 'it is as wished, and something changed';

/** Lifted by whom, where it was held. */
const lifted = ({ before, move }: Told, by: string): string | null => told(move, 'worker.released', before.want === 'held' ? { by } : null);

/** Who asks is to wait neither until it is due nor for the end of a pause, and has called nothing off. */
function onwardAsked({ before: { stopCause }, scene }: Told): Life['onward'] {
  const isPaused = stopCause === 'cancelled' || stopCause === 'timeout' || stopCause === 'unhealthy' || stopCause === 'memory';
  const isOfSchedule = scene.rules.kind === 'cron' && ['changed', 'shutdown', 'removed', 'held', 'down'].includes(stopCause ?? '');
  return isPaused || isOfSchedule ? 'asked' : 'start';
}

function started(event: Of<'start'>, of: Told): string | null {
  const { before, move } = of;
  const { life } = move;
  const kept = before.onward === 'rest' ? 'start' : before.onward;
  const onward = event.cause === 'user' ? onwardAsked(of) : kept;
  if (before.want === 'run' && isOnTheWay(before)) return before.onward === onward ? isSame(move, before) : other(life, { ...before, onward });
  // What is called off in the dark is wanted again.
  if (before.want === 'run' && before.phase === 'running' && before.stopCause === 'cancelled' && event.cause === 'user')
    return other(life, { ...before, stopCause: null });
  if (before.want === 'run' && !atRest.has(before.phase) && before.phase !== 'backoff') return isSame(move, before);
  const wanted = other(life, { want: 'run', heldBy: null }) ?? lifted(of, event.by);
  if (wanted !== null) return wanted;
  if (atRest.has(before.phase)) return other(life, { phase: 'waiting', startCause: 'user', failures: 0, restarts: 0 });
  if (before.phase === 'backoff') return other(life, { phase: 'waiting', startCause: 'user', failures: 0 });
  if (isOnTheWay(before)) return other(life, { phase: before.phase, epoch: before.epoch, onward });
  const undecided = before.phase === 'running' ? { stopCause: null } : {};
  return other(life, { phase: before.phase, epoch: before.epoch, ...undecided });
}

/** Lifting a hold does not run what is done, nor what is not due. */
function released(event: Of<'start'>, of: Told): string | null {
  const { before, move, scene } = of;
  const isCron = scene.rules.kind === 'cron';
  if (before.want === 'run' && before.phase === 'idle' && !isCron) return other(move.life, { phase: 'waiting', startCause: 'declared' });
  if (before.want === 'run' && before.phase !== 'failed') return isSame(move, before);
  const wanted = other(move.life, { want: 'run', heldBy: null }) ?? lifted(of, event.by);
  if (wanted !== null) return wanted;
  if (before.phase === 'done') return other(move.life, { phase: 'done', reason: before.reason, nextTryAt: scene.nextDueAt });
  if (isCron) return other(move.life, { phase: 'idle', reason: 'waiting until it is due', nextTryAt: scene.nextDueAt });
  return other(move.life, { phase: 'waiting', startCause: 'user', failures: 0, restarts: 0 });
}

/** A run that was due and had not begun is one for the next agent. */
export function leftDue({ startCause, stopCause, isQueued, lastDueAt, phase }: Life): string | null {
  const isLeft = isQueued || stopCause === 'replaced' || (startCause === 'due' && beforeStart.has(phase));
  return isLeft && lastDueAt !== null ? new Date(Date.parse(lastDueAt) - 1).toISOString() : lastDueAt;
}

/** No hold: the next agent is to start it again. */
function shutDown({ before, move }: Told): string | null {
  const { life } = move;
  const kept = told(move, 'worker.held', null) ?? other(life, { want: before.want, heldBy: before.heldBy });
  if (kept !== null) return kept;
  if (atRest.has(before.phase) || before.phase === 'starting') return isSame(move, before);
  if (beforeStart.has(before.phase)) return other(life, { phase: 'idle', reason: 'its agent was ended', lastDueAt: leftDue(before) });
  if (before.phase !== 'running') return other(life, { phase: before.phase, epoch: before.epoch, onward: 'rest' });
  return stopped(life, before, 'shutdown', 'rest');
}

/** From here on it is being stopped, for this; in the dark that waits. */
function stopped(life: Life, before: Life, stopCause: Life['stopCause'], onward: Life['onward']): string | null {
  return before.blind === null ? other(life, { phase: 'stopping', stopCause, onward }) : other(life, { phase: 'running', stopCause });
}

function held(event: Of<'hold'>, { before, move }: Told): string | null {
  const { life } = move;
  const { by, cause } = event;
  const wanted =
    told(move, 'worker.held', before.want === 'run' ? { by } : null) ?? other(life, { want: before.want === 'run' ? 'held' : before.want, nextTryAt: null });
  if (wanted !== null) return wanted;
  const isAgain = before.want === 'held' && (atRest.has(before.phase) || before.phase === 'starting');
  if (isAgain) return isSame(move, before);
  const heldBy = other(life, { heldBy: before.want === 'removed' ? before.heldBy : by });
  if (heldBy !== null) return heldBy;
  if (atRest.has(before.phase)) return other(life, { phase: before.phase, reason: before.reason, epoch: before.epoch });
  if (beforeStart.has(before.phase)) return other(life, { phase: 'idle', reason: `stopped by ${by}` });
  if (before.phase === 'starting') return other(life, { phase: 'starting', epoch: before.epoch });
  if (before.phase === 'running') return stopped(life, before, cause, 'rest');
  return other(life, { phase: before.phase, epoch: before.epoch, onward: 'rest' });
}

function removed({ by }: Of<'remove'>, { before, move }: Told): string | null {
  const { life, effects } = move;
  const wanted = other(life, { want: 'removed', heldBy: by });
  if (wanted !== null) return wanted;
  if (before.phase === 'running') return stopped(life, before, 'removed', 'rest');
  if (before.phase === 'starting' || isOnTheWay(before)) return other(life, { phase: before.phase, epoch: before.epoch, onward: 'rest' });
  const isForgotten = effects.length === 1 && effects[0]!.do === 'forget';
  return isForgotten ? (other(life, { phase: 'idle', reason: 'removed' }) ?? told(move, 'worker.removed', { by })) : 'it is removed, and not forgotten';
}

function restarted({ by }: Of<'restart'>, of: Told): string | null {
  const { before, move } = of;
  const { life } = move;
  const { phase } = before;
  if (before.want === 'removed') return null;
  const mayBeLeft = phase === 'waiting' || phase === 'preparing' || phase === 'starting' || (phase === 'unresolved' && before.unresolved === 'start');
  if (mayBeLeft && before.want === 'run') return isSame(move, before);
  const wanted = other(life, { want: 'run', heldBy: null }) ?? lifted(of, by);
  if (wanted !== null) return wanted;
  if (mayBeLeft) return other(life, { phase, epoch: before.epoch });
  if (phase === 'running') return stopped(life, before, 'restart', 'start');
  if (isOnTheWay(before)) return other(life, { phase, epoch: before.epoch, onward: onwardAsked(of) });
  return other(life, { phase: 'waiting', startCause: 'restart', failures: 0 });
}

/** What a worker that it depends on has done changes no wish, and touches only what runs. */
function followed({ before, move }: Told): string | null {
  if (before.phase !== 'running') return isSame(move, before);
  const kept = told(move, 'worker.released', null) ?? other(move.life, { want: before.want, heldBy: before.heldBy });
  return kept ?? stopped(move.life, before, 'dependency', 'start');
}

function declared(event: Of<'declare'>, { before, move, scene }: Told): string | null {
  const { life } = move;
  const { generation, fields, isNew, runtime } = event;
  const isCron = scene.rules.kind === 'cron';
  const wasRemoved = before.want === 'removed';
  const text =
    told(move, 'worker.declared', isNew ? { generation, runtime } : null) ??
    told(move, 'worker.changed', isNew ? null : { from: before.generation, to: generation, fields }) ??
    other(life, { generation, failures: 0, restarts: 0, lastDueAt: isCron ? scene.at : before.lastDueAt }) ??
    other(life, wasRemoved ? { want: 'run', heldBy: null } : { want: before.want, heldBy: before.heldBy }) ??
    other(life, isCron ? {} : { isQueued: false });
  if (text !== null) return text;
  if (before.want === 'held' && before.phase !== 'running') return other(life, { phase: before.phase, epoch: before.epoch });
  if (before.phase === 'starting' || isOnTheWay(before))
    return other(life, { phase: before.phase, epoch: before.epoch, onward: wasRemoved ? 'start' : before.onward });
  if (before.phase !== 'running') {
    // A run that has come, or was asked for, and waits, is not lost.
    const { phase, startCause } = before;
    const isAsked = isCron && scene.isRunOfSchedule && (startCause === 'user' || startCause === 'restart');
    if (beforeStart.has(phase) && (startCause === 'due' || startCause === 'run' || isAsked)) return other(life, { phase: 'waiting', startCause });
    if (isCron && before.isQueued) return other(life, { phase: 'waiting', startCause: 'due', isQueued: false });
    if (isCron) return other(life, { phase: 'idle', reason: 'waiting until it is due', nextTryAt: scene.nextDueAt });
    return other(life, { phase: 'waiting', startCause: isNew ? 'declared' : 'changed' });
  }
  // A run of a schedule ends by itself.
  if (before.blind !== null || (isCron && scene.isRunOfSchedule)) return other(life, { phase: 'running', epoch: before.epoch });
  return isCron ? stopped(life, before, 'changed', 'start') : null;
}

/** As a start by hand does, it lifts a hold. */
function run({ by }: Of<'run'>, of: Told): string | null {
  const { before, move } = of;
  if (!atRest.has(before.phase) && before.phase !== 'backoff') return isSame(move, before);
  return other(move.life, { want: 'run', heldBy: null, phase: 'waiting', startCause: 'run', failures: 0, restarts: 0 }) ?? lifted(of, by);
}

function cancelled({ by }: Of<'cancel'>, { before, move }: Told): string | null {
  const isGoingOn = beforeStart.has(before.phase) || before.phase === 'running';
  // Called off once, it runs on until it can be seen again.
  const isAgain = before.phase === 'running' && before.stopCause === 'cancelled';
  if (!isGoingOn || isAgain || before.want !== 'run') return isSame(move, before);
  const text = told(move, 'worker.cancelled', { by });
  if (text !== null) return text;
  if (before.phase === 'running') return stopped(move.life, before, 'cancelled', 'rest');
  return other(move.life, before.isQueued ? { phase: 'waiting', startCause: 'due', isQueued: false } : { phase: 'failed' });
}

/** By the one line of stories: what has come does not come again, and what is made up for is not told as missed. */
function untimely(event: Of<'due'> | Of<'missed'>, before: Life, scene: Scene): string | null {
  if (event.type === 'missed')
    return scene.rules.schedule?.missed === 'once' ? 'what it missed is made up for, and told as missed' : miscounted(event, before, scene);
  const [atMs, lastMs] = [Date.parse(event.at), Date.parse(before.lastDueAt ?? event.at)];
  const isAgain = lastMs % dueEveryMs === 0 && atMs < lastMs && lastMs - atMs <= repeatMs - dueEveryMs;
  return isAgain ? `${event.at} is due again, after ${before.lastDueAt}` : null;
}

/** All that came since the last one, up to the one that is named: the latest, or the one before it where that is due. */
function miscounted({ at, count, isAtLeast }: Of<'missed'>, before: Life, { nowMs }: Scene): string | null {
  const { lastDueAt } = before;
  const [lastMs, atMs] = [Date.parse(lastDueAt ?? ''), Date.parse(at)];
  if (atMs % dueEveryMs !== 0 || atMs > nowMs || atMs + 2 * dueEveryMs <= nowMs) return `a run of ${at} is told as the last that was missed`;
  if (Number.isNaN(lastMs) || lastMs > nowMs) return null;
  const came = Math.floor(lastMs / dueEveryMs);
  const lost = atMs / dueEveryMs - came;
  // Declared anew since, before the times of its old schedule were told; it may be at the very moment of one.
  const isAtOnce = before.generation !== before.instanceGeneration && count === lost + 1;
  const isDeclared = lastMs % dueEveryMs !== 0 || lost < 1 || isAtOnce;
  const isWrong = count < 1 || (count < lost && !isAtLeast) || (count > lost && !isDeclared);
  return !isWrong ? null : `since ${lastDueAt} ${lost} runs were missed until ${at}, told are ${count}`;
}

/** One run at a time: what comes beside one is left out, waits, or takes its place, as its rule says. */
function dueOrMissed(event: Of<'due'> | Of<'missed'>, { before, move, scene }: Told): string | null {
  const { life } = move;
  const text = untimely(event, before, scene) ?? other(life, { lastDueAt: event.at, want: before.want });
  if (text !== null) return text;
  const isSkipped = move.facts.some(({ type }) => type === 'worker.skipped');
  if (before.want !== 'run')
    return isSkipped ? 'nothing is expected of it, and a run is told as left out' : other(life, { phase: before.phase, isQueued: before.isQueued });
  if (event.type === 'missed') {
    const nextTryAt = atRest.has(before.phase) ? scene.nextDueAt : before.nextTryAt;
    return isSkipped ? other(life, { phase: before.phase, isQueued: before.isQueued, nextTryAt }) : 'a run was missed, and that is not told';
  }
  if (atRest.has(before.phase) || before.phase === 'backoff') return other(life, { phase: 'waiting', startCause: 'due', failures: 0 });
  const overlap = scene.rules.schedule?.overlap ?? 'skip';
  if (overlap === 'replace' && before.phase === 'running') return stopped(life, before, 'replaced', 'start');
  const isLeftOut = overlap !== 'queue' || before.isQueued;
  if (isLeftOut !== isSkipped) return isLeftOut ? 'a run is left out, and that is not told' : 'a run waits, and is told as left out';
  return other(life, { phase: before.phase, isQueued: overlap === 'queue' || before.isQueued });
}
