import { beginsRun } from './cause.ts';
import type { Cell, Row } from './cell.ts';
import type { Fact, Life, LifeEvent, Move } from './life.ts';
import * as move from './moves.ts';

type Of<T extends LifeEvent['type']> = Extract<LifeEvent, { type: T }>;

// The rows of single runs of jobs and of workers with a schedule: due, missed, asked for by hand, called off. Every phase is written.

const dueAtRest: Cell<Of<'due'>> = (life, { at }, scene) =>
  life.want === 'run' ? move.toWaiting({ ...life, lastDueAt: at, failures: 0 }, scene, 'due') : move.stay({ ...life, lastDueAt: at });
/** Whatever else it is to be started for, it goes on with a run that has begun. */
const hasNotBegun = ({ phase, startCause }: Life): boolean => (phase === 'waiting' || phase === 'preparing') && beginsRun.has(startCause);
const dueWhileBusy: Cell<Of<'due'>> = (life, { at }, scene) => {
  const next = { ...life, lastDueAt: at };
  // It is being stopped and stays so: no run is expected of it.
  if (life.want !== 'run') return move.stay(next);
  const overlap = scene.rules.schedule?.overlap ?? 'skip';
  if (overlap === 'queue') return life.isQueued ? skipped(next, at, 'one run waits already') : move.stay({ ...next, isQueued: true });
  if (overlap === 'replace' && life.phase === 'running') return move.toStopping(next, scene, 'replaced', 'start');
  return skipped(next, at, hasNotBegun(life) ? 'the run before it has not begun yet' : 'the last run is not over');
};
const skipped = (life: Life, dueAt: string, why: string): Move => move.stay(life, [{ type: 'worker.skipped', data: { dueAt, why } }]);
export const due: Row<Of<'due'>> = {
  idle: dueAtRest,
  done: dueAtRest,
  failed: dueAtRest,
  backoff: dueAtRest,
  waiting: dueWhileBusy,
  preparing: dueWhileBusy,
  starting: dueWhileBusy,
  running: dueWhileBusy,
  stopping: dueWhileBusy,
  unresolved: dueWhileBusy,
};

const missedAnywhere: Cell<Of<'missed'>> = (life, { at, count, isAtLeast, why }, scene) => {
  if (life.want !== 'run') return move.stay({ ...life, lastDueAt: at });
  const isAtRest = life.phase === 'idle' || life.phase === 'done' || life.phase === 'failed';
  const next = { ...life, lastDueAt: at, nextTryAt: isAtRest ? scene.nextDueAt : life.nextTryAt };
  return skipped(next, at, count === 1 ? why : `${why}; ${isAtLeast ? 'at least ' : ''}${count} runs were missed in that time, this one the last`);
};
export const missed: Row<Of<'missed'>> = {
  idle: missedAnywhere,
  done: missedAnywhere,
  failed: missedAnywhere,
  backoff: missedAnywhere,
  waiting: missedAnywhere,
  preparing: missedAnywhere,
  starting: missedAnywhere,
  running: missedAnywhere,
  stopping: missedAnywhere,
  unresolved: missedAnywhere,
};

/** As a start by hand does, it lifts a hold. Of a run that is under way there is no second. */
const runAtRest: Cell<Of<'run'>> = (life, { by }, scene) => {
  const released: readonly Fact[] = life.want === 'held' ? [{ type: 'worker.released', data: { by } }] : [];
  return move.toWaiting({ ...life, want: 'run', heldBy: null, failures: 0, restarts: 0 }, scene, 'run', released);
};
export const run: Row<Of<'run'>> = {
  idle: runAtRest,
  done: runAtRest,
  failed: runAtRest,
  backoff: runAtRest,
  waiting: 'ignore',
  preparing: 'ignore',
  starting: 'ignore',
  running: 'ignore',
  stopping: 'ignore',
  unresolved: 'ignore',
};

const cancelled = (by: string): readonly Fact[] => [{ type: 'worker.cancelled', data: { by } }];
const cancelBeforeStart: Cell<Of<'cancel'>> = (life, { by }, scene) =>
  life.want === 'run' ? (move.queued(life, scene, cancelled(by)) ?? move.toRest(life, scene, 'failed', move.calledOff, cancelled(by))) : move.stay(life);
/** In the dark it runs on, called off, until it can be stopped. */
const cancelRunning: Cell<Of<'cancel'>> = (life, { by }, scene) =>
  life.want === 'run' && life.stopCause !== 'cancelled' ? move.toStopping(life, scene, 'cancelled', 'rest', cancelled(by)) : move.stay(life);
export const cancel: Row<Of<'cancel'>> = {
  idle: 'ignore',
  done: 'ignore',
  failed: 'ignore',
  waiting: cancelBeforeStart,
  preparing: cancelBeforeStart,
  backoff: cancelBeforeStart,
  // Who asks waits until it is known what came of the call.
  starting: 'ignore',
  unresolved: 'ignore',
  running: cancelRunning,
  stopping: 'ignore',
};
