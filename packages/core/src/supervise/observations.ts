import type { Cell, Row } from './cell.ts';
import type { Fact, Life, LifeEvent, Move, Scene } from './life.ts';
import * as move from './moves.ts';
import { afterFailedStart } from './restart.ts';

type Of<T extends LifeEvent['type']> = Extract<LifeEvent, { type: T }>;

// The rows of what is seen of a worker: answers of its runtime, its instance, its probes. `ignore` and `impossible` are choices, not gaps.

/** What answers, or was decided on what was seen, belongs to one phase; the epoch has sorted out the rest, so that another phase is a bug. */
const onlyIn = <E extends LifeEvent>(phase: Life['phase'], cell: Cell<E>): Row<E> => ({
  idle: 'impossible',
  waiting: 'impossible',
  preparing: 'impossible',
  starting: 'impossible',
  running: 'impossible',
  stopping: 'impossible',
  unresolved: 'impossible',
  backoff: 'impossible',
  done: 'impossible',
  failed: 'impossible',
  [phase]: cell,
});

export const wait: Row<Of<'wait'>> = onlyIn('waiting', (life, event) => {
  const reason = event.for === null ? move.toBeStarted(life.startCause) : `waiting for ${event.for}`;
  if (reason === life.reason) return move.stay(life);
  return move.stay({ ...life, reason }, event.for === null ? [] : [{ type: 'worker.waiting', data: { for: event.for } }]);
});
/** What it was given the slot for may be over: the slot is another's then. */
export const ready: Row<Of<'ready'>> = onlyIn('waiting', (life, _, scene) =>
  life.blind === null && scene.missing === null ? move.toPreparing(life, scene) : move.stay(life),
);
export const prepared: Row<Of<'prepared'>> = onlyIn('preparing', (life, _, scene) =>
  life.blind === null ? move.toStarting(life, scene) : move.toWaitingOn(life, scene),
);
/** What is to be tried again in a moment: the gate waits for an engine that is known to be away. */
const isOfEngine = (code: string): boolean => code === 'engine-down' || code === 'engine-hung';
export const prepareFailed: Row<Of<'prepare-failed'>> = onlyIn('preparing', (life, { message, code, lastLines }, scene) => {
  const printed = lastLines === undefined ? {} : { lastLines };
  const fact: Fact = { type: 'worker.start-failed', data: { code, outcome: 'no', message: move.sentence(message), ...printed } };
  if (isOfEngine(code)) return move.toTryAgain(life, scene, message, [fact]);
  return move.retry(life, scene, afterFailedStart(scene.rules, life.failures, scene.random, message), 'start-failed', [fact]);
});
export const startFailed: Row<Of<'start-failed'>> = onlyIn('starting', (before, { failure, isAsked }, scene) => {
  const { code, outcome, message } = failure;
  const life: Life = { ...before, mayCome: before.mayCome && !isAsked };
  const fact: Fact = { type: 'worker.start-failed', data: { code, outcome, message: move.sentence(message) } };
  if (outcome !== 'no') {
    const unresolved = move.toUnresolved(life, scene, 'start', message);
    return { ...unresolved, facts: [fact, ...unresolved.facts] };
  }
  if (life.want !== 'run') return move.afterStop(life, scene, [fact]);
  if (isOfEngine(code)) return move.toTryAgain(life, scene, message, [fact]);
  const cause = life.mayCome ? 'again' : 'start-failed';
  return move.retry(life, scene, afterFailedStart(scene.rules, life.failures, scene.random, message), cause, [fact]);
});
export const stopFailed: Row<Of<'stop-failed'>> = onlyIn('stopping', (life, { failure }, scene) => move.toUnresolved(life, scene, 'stop', failure.message));
export const alarm: Row<Of<'alarm'>> = onlyIn('backoff', (life, _, scene) => move.toWaitingOn(life, scene));

/** It runs although the agent took it for ended: it is this worker's own instance, so it is taken over (or stopped, if it is not wanted). */
const runsAfterAll: Cell<Of<'running'>> = (life, event, scene) => move.toRunning(life, scene, { ...event, how: 'adopted' });
export const running: Row<Of<'running'>> = {
  idle: runsAfterAll,
  done: runsAfterAll,
  failed: runsAfterAll,
  backoff: runsAfterAll,
  waiting: runsAfterAll,
  preparing: runsAfterAll,
  starting: (life, event, scene) => (event.how === 'looked' ? move.stay(life) : move.toRunning(life, scene, event)),
  running: (life, event, scene) => move.stillRunning(life, scene, event.seen, event.how === 'adopted'),
  // The stop is under way; or the agent died in it, and then it is asked for again.
  stopping: (life, event) => (event.how === 'adopted' ? move.stay(life, [], [{ do: 'stop', cause: life.stopCause ?? 'restart' }]) : move.stay(life)),
  unresolved: (life, event, scene) =>
    life.unresolved === 'stop'
      ? move.toStopping(life, scene, life.stopCause ?? 'restart', life.onward)
      : move.toRunning(life, scene, { ...event, how: 'started' }),
};

const createdAtRest: Cell<Of<'created'>> = 'ignore';
export const created: Row<Of<'created'>> = {
  idle: createdAtRest,
  done: createdAtRest,
  failed: createdAtRest,
  backoff: createdAtRest,
  waiting: createdAtRest,
  preparing: createdAtRest,
  // The agent died between the two halves of the start, or the first answer was lost.
  starting: (life, _, scene) => startOrGiveUp(life, scene),
  unresolved: (life, _, scene) =>
    life.unresolved === 'stop' ? move.afterStop(life, scene, [stoppedFacts(life, scene, null)]) : startCameToNothing(life, scene),
  // Its engine died before it had written down that it was started, and has come back.
  running: (life, event, scene) => endedUnseen(life, event, scene),
  stopping: (life, _, scene) => move.afterStop(life, scene, [stoppedFacts(life, scene, null)]),
};
const startOrGiveUp = (life: Life, scene: Scene): Move =>
  life.want === 'run' ? move.toStartingAgain(life, scene) : move.afterStop({ ...life, mayCome: true }, scene, []);

/** Of one start the outcome may get lost; of one that was begun again because of that, it is taken for a start that failed. */
function startCameToNothing(life: Life, scene: Scene): Move {
  if (life.want !== 'run' || life.startCause !== 'again') return startOrGiveUp(life, scene);
  const next = afterFailedStart(scene.rules, life.failures, scene.random, 'what became of its start is not known, and nothing came of it');
  return move.retry({ ...life, mayCome: life.mayCome || scene.isDefined }, scene, next, 'again', []);
}

/** `event`: `null` = nobody saw how it ended. */
const stoppedFacts = (life: Life, scene: Scene, event: Of<'exited'> | null): Fact => ({
  type: 'worker.stopped',
  data: {
    cause: life.stopCause ?? 'held',
    tookMs: Math.max(0, scene.nowMs - Date.parse(life.since)),
    wasKilled: event?.exit.signal === 'SIGKILL' && (scene.rules.stop.signal ?? event.stopSignal) !== 'SIGKILL',
  },
});
const ended = (life: Life, event: Of<'exited'>, scene: Scene): Move =>
  move.afterEnd(life, scene, event.exit, move.endFacts(life, event, scene), event.isWithEngine);
const endedByStop = (life: Life, event: Of<'exited'>, scene: Scene): Move =>
  move.afterStop(life, scene, [...move.endFacts(life, event, scene), stoppedFacts(life, scene, event)]);
export const exited: Row<Of<'exited'>> = {
  idle: 'ignore',
  done: 'ignore',
  failed: 'ignore',
  backoff: 'ignore',
  waiting: 'ignore',
  preparing: 'ignore',
  // It was there and had ended before the start could say so.
  starting: ended,
  running: ended,
  stopping: endedByStop,
  unresolved: (life, event, scene) => (life.unresolved === 'stop' ? endedByStop(life, event, scene) : ended(life, event, scene)),
};

/** Nobody knows how it ended. */
const endedUnseen = (life: Life, { isWithEngine }: Of<'gone'> | Of<'created'>, scene: Scene): Move => {
  const exit = { code: null, signal: null, at: null, oom: 'unknown', evidence: 'none' } as const;
  const fact: Fact = { type: 'worker.exited', data: { code: null, signal: null, oom: 'unknown', evidence: 'none', afterMs: null } };
  return move.afterEnd(life, scene, exit, [fact], isWithEngine);
};
const elsewhere = (life: Life, scene: Scene): Move => {
  const reason = 'engine-replaced: another store of its engine answers, which says nothing about it';
  if (life.blind?.reason === reason) return move.stay(life);
  const blind = { since: life.blind?.since ?? scene.at, reason };
  return move.stay({ ...life, blind }, [{ type: 'worker.blind', data: { runtime: 'its engine', message: reason } }]);
};
export const gone: Row<Of<'gone'>> = {
  idle: 'ignore',
  done: 'ignore',
  failed: 'ignore',
  backoff: 'ignore',
  waiting: 'ignore',
  preparing: 'ignore',
  starting: (life, event, scene) => (event.isSameEngine ? startOrGiveUp(life, scene) : elsewhere(life, scene)),
  running: (life, event, scene) => (event.isSameEngine ? endedUnseen(life, event, scene) : elsewhere(life, scene)),
  stopping: (life, event, scene) => (event.isSameEngine ? move.afterStop(life, scene, [stoppedFacts(life, scene, null)]) : elsewhere(life, scene)),
  unresolved: (life, event, scene) => {
    if (!event.isSameEngine) return elsewhere(life, scene);
    return life.unresolved === 'stop' ? move.afterStop(life, scene, [stoppedFacts(life, scene, null)]) : startCameToNothing(life, scene);
  },
};

/** Probes and timers end with the running phase; what was on its way is dropped. What is being started has none yet. */
const onlyWhileRunning = <E extends LifeEvent>(cell: Cell<E>): Row<E> => ({
  idle: 'ignore',
  waiting: 'ignore',
  preparing: 'ignore',
  starting: 'impossible',
  running: cell,
  stopping: 'ignore',
  unresolved: 'ignore',
  backoff: 'ignore',
  done: 'ignore',
  failed: 'ignore',
});

export const healthy: Row<Of<'healthy'>> = onlyWhileRunning((life, { afterMs }) =>
  life.health === 'ok' ? move.stay(life) : move.stay({ ...life, health: 'ok', reason: 'healthy' }, [{ type: 'worker.healthy', data: { afterMs } }]),
);
export const unhealthy: Row<Of<'unhealthy'>> = onlyWhileRunning((life, { evidence, failures }, scene) => {
  if (life.health === 'bad') return move.stay(life);
  const facts: Fact[] = [{ type: 'worker.unhealthy', data: { evidence, failures } }];
  const bad: Life = { ...life, health: 'bad', reason: `unhealthy: ${evidence}` };
  const { onUnhealthy } = scene.rules.health;
  // What is not to run stays what it is, and is stopped for that once it can be.
  if (onUnhealthy === 'report' || (onUnhealthy === 'stop' && life.want !== 'run')) return move.stay(bad, facts);
  if (onUnhealthy === 'stop') return move.toStopping({ ...bad, want: 'held', heldBy: 'health' }, scene, 'unhealthy', 'rest', facts);
  if (onUnhealthy === 'restart') return move.toStopping(bad, scene, 'unhealthy', 'start', facts);
  return move.stay(bad, facts, [{ do: 'signal', signal: onUnhealthy === 'signal' ? 'SIGHUP' : onUnhealthy.signal }]);
});

/** By the rules of its worker it has run long enough, or used too much. */
export const overdone: Row<Of<'overdone'>> = onlyWhileRunning((life, { cause, evidence }, scene) =>
  life.want === 'run' ? move.toStopping(life, scene, cause, 'start', [], evidence) : move.stay(life),
);
/** It has run for so long that the failures before it are forgotten. */
export const steady: Row<Of<'steady'>> = onlyWhileRunning((life, _, scene) => {
  if (life.failures === 0) return move.stay(life);
  return move.stay({ ...life, failures: 0, failingSince: null }, move.steadyFacts(life, move.ranMs(life, scene.nowMs)));
});

const turnsBlind: Cell<Of<'blind'>> = (life, { reason, runtime }, scene) =>
  life.blind !== null
    ? move.stay(life)
    : move.stay({ ...life, blind: { since: scene.at, reason } }, [{ type: 'worker.blind', data: { runtime, message: reason } }]);
const blindAtRest: Cell<Of<'blind'>> = (life, { reason }, scene) =>
  life.blind !== null ? move.stay(life) : move.stay({ ...life, blind: { since: scene.at, reason } });
export const blind: Row<Of<'blind'>> = {
  idle: blindAtRest,
  done: blindAtRest,
  failed: blindAtRest,
  waiting: blindAtRest,
  backoff: blindAtRest,
  preparing: turnsBlind,
  starting: turnsBlind,
  running: turnsBlind,
  stopping: turnsBlind,
  unresolved: turnsBlind,
};

const seesAgain: Cell<Of<'sighted'>> = (life, _, scene) => {
  if (life.blind === null) return move.stay(life);
  const facts: Fact[] = [{ type: 'worker.seen', data: { afterMs: Math.max(0, scene.nowMs - Date.parse(life.blind.since)) } }];
  return move.reconsider({ ...life, blind: null }, scene, facts);
};
/** A stop that was decided in the dark, or whose call was lost in it, is asked for again. */
const stopsAgain: Cell<Of<'sighted'>> = (life, event, scene) => {
  const seen = seesAgain(life, event, scene);
  return seen.life === life ? seen : { ...seen, effects: [...seen.effects, { do: 'stop', cause: life.stopCause ?? 'restart' }] };
};
const seesAtRest: Cell<Of<'sighted'>> = (life) => (life.blind === null ? move.stay(life) : move.stay({ ...life, blind: null }));
export const sighted: Row<Of<'sighted'>> = {
  idle: seesAtRest,
  done: seesAtRest,
  failed: seesAtRest,
  waiting: seesAtRest,
  backoff: seesAtRest,
  preparing: seesAgain,
  starting: seesAgain,
  running: seesAgain,
  stopping: stopsAgain,
  unresolved: seesAgain,
};
