import { beginsRun } from './cause.ts';
import type { Cell, Row } from './cell.ts';
import type { Fact, Life, LifeEvent, Scene } from './life.ts';
import * as move from './moves.ts';

type Of<T extends LifeEvent['type']> = Extract<LifeEvent, { type: T }>;

// The rows of what is wished of a worker by a person or by the host file. Every phase is written.

const released = (life: Life, by: string): readonly Fact[] => (life.want === 'held' ? [{ type: 'worker.released', data: { by } }] : []);
const wanted = (life: Life): Life => ({ ...life, want: 'run', heldBy: null });

/** Lifting a hold does not run a job again that is done, nor a cron worker before it is due; a start by hand does. */
const startAtRest: Cell<Of<'start'>> = (life, { by, cause }, scene) => {
  const facts = released(life, by);
  const isCron = scene.rules.kind === 'cron';
  if (cause === 'release') {
    // Left idle by the end of its agent.
    if (life.want === 'run' && life.phase === 'idle' && !isCron) return move.toWaiting(life, scene, 'declared');
    if (life.want === 'run' && life.phase !== 'failed') return move.stay(life);
    if (life.phase === 'done' || isCron)
      return move.toRest(wanted(life), scene, life.phase === 'done' ? 'done' : 'idle', life.phase === 'done' ? life.reason : move.untilDue, facts);
  }
  return move.toWaiting({ ...wanted(life), failures: 0, restarts: 0 }, scene, 'user', facts);
};
const startOnTheWay: Cell<Of<'start'>> = (life, { by }) => (life.want === 'run' ? move.stay(life) : move.stay(wanted(life), released(life, by)));
/** What somebody asks for while it is being stopped comes at once, whatever that stop alone leads to: of a worker with a schedule, to its next time. */
const onwardAsked = ({ stopCause }: Life, { rules }: Scene): Life['onward'] =>
  stopCause !== null && (move.pausing.has(stopCause) || (move.isUnaskedFor(stopCause) && rules.kind === 'cron')) ? 'asked' : 'start';
/** Wanted, and stopped all the same: with its agent. */
const startAfterStop: Cell<Of<'start'>> = (life, { by, cause }, scene) => {
  const kept = life.onward === 'rest' ? 'start' : life.onward;
  const onward = cause === 'user' ? onwardAsked(life, scene) : kept;
  return life.want === 'run' && life.onward === onward ? move.stay(life) : move.stay({ ...wanted(life), onward }, released(life, by));
};
export const start: Row<Of<'start'>> = {
  idle: startAtRest,
  done: startAtRest,
  failed: startAtRest,
  backoff: (life, { by }, scene) => move.toWaiting({ ...wanted(life), failures: 0 }, scene, 'user', released(life, by)),
  waiting: startOnTheWay,
  preparing: startOnTheWay,
  starting: startOnTheWay,
  // Blind: the stop that was decided on has not begun yet.
  running: (life, { by, cause }) => {
    const isAsOne = life.want === 'run' && !(cause === 'user' && life.stopCause === 'cancelled');
    return isAsOne ? move.stay(life) : move.stay({ ...wanted(life), stopCause: null }, released(life, by));
  },
  stopping: startAfterStop,
  unresolved: startAfterStop,
};

/** What is to be removed is held by nobody. */
const heldFacts = (life: Life, by: string): readonly Fact[] => (life.want === 'run' ? [{ type: 'worker.held', data: { by } }] : []);
/** A shutdown is no hold: the next agent is to start it again. */
const held = (life: Life, { by, cause }: Of<'hold'>): Life =>
  cause === 'shutdown' || life.want === 'removed' ? life : { ...life, want: 'held', heldBy: by, isQueued: false };
const holdKeepsPhase: Cell<Of<'hold'>> = (life, event) =>
  event.cause === 'shutdown' || life.want === 'held' ? move.stay(life) : move.stay({ ...held(life, event), nextTryAt: null }, heldFacts(life, event.by));
const holdBeforeStart: Cell<Of<'hold'>> = (life, event, scene) =>
  event.cause === 'shutdown'
    ? move.toRest(move.owed(life), scene, 'idle', 'its agent was ended')
    : move.toRest(held(life, event), scene, 'idle', `stopped by ${event.by}`, heldFacts(life, event.by));
export const hold: Row<Of<'hold'>> = {
  idle: holdKeepsPhase,
  done: holdKeepsPhase,
  failed: holdKeepsPhase,
  waiting: holdBeforeStart,
  preparing: holdBeforeStart,
  backoff: holdBeforeStart,
  // A call is under way: what it brings is stopped when it is there.
  starting: holdKeepsPhase,
  running: (life, event, scene) => move.toStopping(held(life, event), scene, event.cause, 'rest', event.cause === 'shutdown' ? [] : heldFacts(life, event.by)),
  stopping: (life, event) => move.stay({ ...held(life, event), onward: 'rest' }, event.cause === 'shutdown' ? [] : heldFacts(life, event.by)),
  unresolved: (life, event) => move.stay({ ...held(life, event), onward: 'rest' }, event.cause === 'shutdown' ? [] : heldFacts(life, event.by)),
};

const unwanted = (life: Life, by: string): Life => ({ ...life, want: 'removed', heldBy: by, isQueued: false });
const removeAtRest: Cell<Of<'remove'>> = (life, { by }, scene) => move.toRest(unwanted(life, by), scene, 'idle', 'removed');
const removeLater: Cell<Of<'remove'>> = (life, { by }) => move.stay({ ...unwanted(life, by), onward: 'rest' });
export const remove: Row<Of<'remove'>> = {
  idle: removeAtRest,
  done: removeAtRest,
  failed: removeAtRest,
  waiting: removeAtRest,
  preparing: removeAtRest,
  backoff: removeAtRest,
  starting: removeLater,
  running: (life, { by }, scene) => move.toStopping(unwanted(life, by), scene, 'removed', 'rest'),
  stopping: removeLater,
  unresolved: removeLater,
};

const restartAtRest: Cell<Of<'restart'>> = (life, { by, cause }, scene) =>
  cause === 'restart' ? move.toWaiting({ ...wanted(life), failures: 0 }, scene, 'restart', released(life, by)) : move.stay(life);
const restartOnTheWay: Cell<Of<'restart'>> = (life, { by, cause }) =>
  cause === 'restart' && life.want === 'held' ? move.stay(wanted(life), released(life, by)) : move.stay(life);
const restartAfterStop: Cell<Of<'restart'>> = (life, { by, cause }, scene) =>
  cause === 'restart' ? move.stay({ ...wanted(life), onward: onwardAsked(life, scene) }, released(life, by)) : move.stay(life);
export const restart: Row<Of<'restart'>> = {
  idle: restartAtRest,
  done: restartAtRest,
  failed: restartAtRest,
  backoff: restartAtRest,
  waiting: restartOnTheWay,
  preparing: restartOnTheWay,
  starting: restartOnTheWay,
  running: (life, { by, cause }, scene) =>
    cause === 'restart' ? move.toStopping(wanted(life), scene, cause, 'start', released(life, by)) : move.toStopping(life, scene, cause, 'start', [], by),
  stopping: restartAfterStop,
  unresolved: (life, event, scene) => (life.unresolved === 'stop' ? restartAfterStop : restartOnTheWay)(life, event, scene),
};

const declared = (life: Life, event: Of<'declare'>, scene: Scene): Life => ({
  ...life,
  // The times of a schedule count from the moment in which it was written; without one no run of it waits.
  ...(scene.rules.kind === 'cron' ? { lastDueAt: scene.at } : { isQueued: false }),
  generation: event.generation,
  failures: 0,
  restarts: 0,
  // Of what was never started nothing is out of sight, whatever became of the runtime that it was to have.
  ...(life.instance === null ? { blind: null } : {}),
  // The stop of what was to be removed is followed by a start then.
  ...(life.want === 'removed' ? { want: 'run', heldBy: null, onward: 'start' } : {}),
});
const declaredFact = (life: Life, event: Of<'declare'>): Fact =>
  event.isNew
    ? { type: 'worker.declared', data: { generation: event.generation, runtime: event.runtime } }
    : { type: 'worker.changed', data: { from: life.generation, to: event.generation, fields: event.fields } };
/** Of a schedule, or asked for by hand: it is run as it is defined now. What was a service until now runs when it is due. */
const isRunThatWaits = ({ phase, startCause }: Life, { rules, isRunOfSchedule }: Scene): boolean =>
  (phase === 'waiting' || phase === 'preparing' || phase === 'backoff') &&
  (startCause === 'due' || startCause === 'run' || (rules.kind === 'cron' && isRunOfSchedule && beginsRun.has(startCause)));
const declareAtRest: Cell<Of<'declare'>> = (life, event, scene) => {
  const next = declared(life, event, scene);
  if (next.want === 'held') return move.stay(next, [declaredFact(life, event)]);
  if (isRunThatWaits(life, scene)) return move.toWaitingOn(next, scene, [declaredFact(life, event)]);
  const facts = [declaredFact(life, event)];
  if (scene.rules.kind === 'cron') return move.queued(next, scene, facts) ?? move.toRest(next, scene, 'idle', move.untilDue, facts);
  return move.toWaiting(next, scene, event.isNew ? 'declared' : 'changed', [declaredFact(life, event)]);
};
const declareOnTheWay: Cell<Of<'declare'>> = (life, event, scene) => move.stay(declared(life, event, scene), [declaredFact(life, event)]);
export const declare: Row<Of<'declare'>> = {
  idle: declareAtRest,
  done: declareAtRest,
  failed: declareAtRest,
  waiting: declareAtRest,
  // What is being prepared is of the old generation: begun anew.
  preparing: declareAtRest,
  backoff: declareAtRest,
  starting: declareOnTheWay,
  running: (life, event, scene) => move.reconsider(declared(life, event, scene), scene, [declaredFact(life, event)]),
  stopping: declareOnTheWay,
  unresolved: declareOnTheWay,
};
