import type { Exit } from '@ostler/sdk';
import { beginsRun, type StartCause, type StopCause, startCauses, stopCauses } from './cause.ts';
import { type Effect, type Fact, type Life, type LifeEvent, type Move, type Scene, type SeenRunning, unknownGeneration } from './life.ts';
import { type AfterFailure, afterExit, afterFailedStart, crashLoopFailures, failuresBefore, isSuccess } from './restart.ts';

// The moves that the cells of the table are made of. Pure.

export const stay = (life: Life, facts: readonly Fact[] = [], effects: readonly Effect[] = []): Move => ({ life, facts, effects });

/** A new phase is a new epoch: results of what was begun before are only hints. */
export function to(life: Life, scene: Scene, change: Partial<Life> & Pick<Life, 'phase' | 'reason'>): Life {
  const isNew = change.phase !== life.phase;
  return { ...life, nextTryAt: null, ...change, since: isNew ? scene.at : life.since, epoch: life.epoch + 1 };
}

const clean = { health: 'none', unresolved: null, stopCause: null, onward: 'rest', startedMs: null } as const satisfies Partial<Life>;

export const toBeStarted = (cause: StartCause): string => `to be started: ${startCauses[cause]}`;

export function toWaiting(life: Life, scene: Scene, cause: StartCause, facts: readonly Fact[] = []): Move {
  const runs = life.runs + (beginsRun.has(cause) ? 1 : 0);
  return toWaitingOn({ ...life, startCause: cause, runs }, scene, facts);
}

/** For what it was to be started for before: nothing of that has come yet. */
export function toWaitingOn(life: Life, scene: Scene, facts: readonly Fact[] = []): Move {
  return stay(to(life, scene, { ...clean, phase: 'waiting', reason: toBeStarted(life.startCause) }), facts);
}

/** A run that was due and has not begun is one that was missed, for the next agent. */
export function owed(life: Life): Life {
  const waits = life.startCause === 'due' && (life.phase === 'waiting' || life.phase === 'preparing' || life.phase === 'backoff');
  const isDue = life.isQueued || life.stopCause === 'replaced' || waits;
  return isDue && life.lastDueAt !== null ? { ...life, lastDueAt: new Date(Date.parse(life.lastDueAt) - 1).toISOString() } : life;
}

/** At rest: idle, or, for what is to be removed, forgotten. */
export function toRest(life: Life, scene: Scene, phase: 'idle' | 'done' | 'failed', reason: string, facts: readonly Fact[] = []): Move {
  const nextTryAt = life.want === 'run' ? scene.nextDueAt : null;
  const next = { ...to(life, scene, { ...clean, phase, reason, nextTryAt }), isQueued: false };
  return life.want === 'removed'
    ? stay(next, [...facts, { type: 'worker.removed', data: { by: life.heldBy ?? 'apply' } }], [{ do: 'forget' }])
    : stay(next, facts);
}

/** Until an engine that did not answer one call is known to be away, or not. */
const engineRetryMs = 1000;

/** The engine's failure is not the worker's: it counts for nothing. */
export function toTryAgain(life: Life, scene: Scene, message: string, facts: readonly Fact[]): Move {
  const nextTryAt = new Date(scene.nowMs + engineRetryMs).toISOString();
  return stay(to(life, scene, { ...clean, phase: 'backoff', reason: `its engine did not answer: ${message}`, nextTryAt }), facts);
}

export function toPreparing(life: Life, scene: Scene): Move {
  return stay(to(life, scene, { phase: 'preparing', reason: 'being prepared' }), [], [{ do: 'prepare' }]);
}

/** The intent: persisted before the runtime hears of it. Dependencies must hold at this instant. */
export function toStarting(life: Life, scene: Scene): Move {
  if (scene.missing !== null) return toWaitingOn(life, scene, [{ type: 'worker.waiting', data: { for: scene.missing } }]);
  if (life.mayCome && life.instance !== null && scene.isDefined) return toStartingAgain(life, scene);
  const next = to(life, scene, {
    ...clean,
    phase: 'starting',
    mayCome: false,
    reason: `starting: ${startCauses[life.startCause]}`,
    instance: scene.newInstance(),
    instanceGeneration: life.generation,
    startedWith: scene.dependencies,
    restarts:
      life.instance !== null && ['exited', 'start-failed', 'unhealthy', 'memory', 'engine'].includes(life.startCause) ? life.restarts + 1 : life.restarts,
  });
  return stay(next, [{ type: 'worker.starting', data: { generation: life.generation, cause: startCauses[life.startCause] } }], [{ do: 'start' }]);
}

/** The same ref again: only the name stops a twin that a frozen engine may still bring. It may be long ago that its dependencies held. */
export function toStartingAgain(life: Life, scene: Scene): Move {
  if (!scene.isDefined) return toWaiting(life, scene, 'again');
  const own: Life = { ...life, mayCome: true };
  if (scene.missing !== null) return toWaiting(own, scene, 'again', [{ type: 'worker.waiting', data: { for: scene.missing } }]);
  const startedWith = scene.dependencies;
  const next = to(own, scene, { ...clean, phase: 'starting', reason: `starting: ${startCauses.again}`, startCause: 'again', startedWith });
  return stay(next, [{ type: 'worker.starting', data: { generation: life.instanceGeneration, cause: startCauses.again } }], [{ do: 'start' }]);
}

const adopted = ({ instanceGeneration }: Life, { pid }: SeenRunning): Fact => ({
  type: 'worker.adopted',
  data: { pid, generation: instanceGeneration === unknownGeneration ? null : instanceGeneration },
});

export function toRunning(life: Life, scene: Scene, event: Extract<LifeEvent, { type: 'running' }>): Move {
  const { seen, how, tookMs } = event;
  const startedMs = Date.parse(seen.startedAt);
  const next = to(life, scene, {
    ...clean,
    phase: 'running',
    reason: 'running',
    health: 'starting',
    mayCome: false,
    startedMs: Number.isNaN(startedMs) ? scene.nowMs : startedMs,
  });
  const fact: Fact = how === 'started' ? { type: 'worker.started', data: { pid: seen.pid, tookMs } } : adopted(life, seen);
  return reconsider(next, scene, [fact]);
}

/** What runs is seen to run on after a time in which that was not sure, or for the first time by this agent. */
export function stillRunning(life: Life, scene: Scene, seen: SeenRunning, isAdopted: boolean): Move {
  return reconsider(life, scene, isAdopted ? [adopted(life, seen)] : []);
}

/** Running, and perhaps no longer wanted so. Nothing is done while its runtime cannot be asked. */
export function reconsider(life: Life, scene: Scene, facts: readonly Fact[] = []): Move {
  if (life.phase !== 'running' || life.blind !== null) return stay(life, facts);
  if (life.want === 'removed') return toStopping(life, scene, 'removed', 'rest', facts);
  if (life.want === 'held') return toStopping(life, scene, life.stopCause ?? 'held', 'rest', facts);
  if (life.stopCause !== null) return toStopping(life, scene, life.stopCause, 'start', facts);
  return isOutdated(life, scene) ? toStopping(life, scene, 'changed', 'start', facts) : stay(life, facts);
}

/** Of another generation than is wanted. A run of a schedule ends by itself: the next one is of the new generation. */
const isOutdated = ({ generation, instanceGeneration }: Life, { isRunOfSchedule, rules }: Scene): boolean =>
  generation !== null && instanceGeneration !== null && instanceGeneration !== generation && !(isRunOfSchedule && rules.kind === 'cron');

export const stoppingFor = (cause: StopCause): string => `stopping: ${stopCauses[cause]}`;

/** `evidence`: what was seen that led to it, where the cause alone does not say it. */
export function toStopping(
  life: Life,
  scene: Scene,
  cause: StopCause,
  onward: Life['onward'],
  facts: readonly Fact[] = [],
  evidence: string | null = null,
): Move {
  if (life.blind !== null) return stay({ ...life, stopCause: cause }, facts);
  const next = to(life, scene, { phase: 'stopping', reason: stoppingFor(cause), stopCause: cause, onward, unresolved: null });
  const data = { cause, why: stopCauses[cause], ...(evidence === null ? {} : { evidence }) };
  return stay(next, [...facts, { type: 'worker.stopping', data }], [{ do: 'stop', cause }]);
}

export function toUnresolved(life: Life, scene: Scene, what: 'start' | 'stop', message: string): Move {
  const next = to(life, scene, { phase: 'unresolved', reason: `whether the ${what} happened is not known: ${message}`, unresolved: what });
  return stay(next, [{ type: 'worker.unresolved', data: { what, message: sentence(message) } }], [{ do: 'inspect' }]);
}

/** Why it is started after a stop, where that was for no restart. */
const followingStart: Partial<Record<StopCause, StartCause>> = {
  changed: 'changed',
  dependency: 'dependency',
  replaced: 'due',
  shutdown: 'declared',
  removed: 'declared',
  age: 'age',
  at: 'at',
};

/** After an end that was asked for. */
export function afterStop(life: Life, scene: Scene, facts: readonly Fact[]): Move {
  const { stopCause, onward } = life;
  if (life.want === 'removed') return toRest(life, scene, 'idle', 'removed', facts);
  if (life.want === 'held') return toRest(life, scene, 'idle', life.heldBy === null ? 'stopped' : `stopped by ${life.heldBy}`, facts);
  if (onward === 'asked') return toWaiting({ ...life, failures: 0 }, scene, 'restart', facts);
  // What it was changed to meanwhile has done nothing yet, and counts from nothing since.
  if (stopCause !== null && pausing.has(stopCause) && isOutdated(life, scene)) return anew(life, scene, 'changed', facts);
  const again = (why: string, cause: StartCause, failures: number): Move =>
    retry(life, scene, afterFailedStart(scene.rules, failures, scene.random, why), cause, facts);
  switch (stopCause) {
    case 'unhealthy':
      return again('it was unhealthy', 'unhealthy', life.failures);
    case 'timeout':
      return queued(life, scene, facts) ?? again(stopCauses.timeout, 'exited', life.failures);
    case 'memory':
      return again(stopCauses.memory, 'memory', failuresBefore(scene.rules.restart, ranMs(life, scene.nowMs), life.failures));
    case 'cancelled':
      return queued(life, scene, facts) ?? toRest(life, scene, 'failed', calledOff, facts);
  }
  // It is wanted: only the end of its agent has called off what was to follow.
  if (onward === 'rest') return toRest(owed(life), scene, 'idle', 'stopped, its agent was ended', facts);
  const cause = followingStart[stopCause ?? 'restart'] ?? 'restart';
  return stopCause !== null && isUnaskedFor(stopCause)
    ? anew({ ...life, failures: 0 }, scene, cause, facts)
    : toWaiting({ ...life, failures: 0 }, scene, cause, facts);
}

/** After these it rests, is given up, or pauses. */
export const pausing: ReadonlySet<StopCause> = new Set(['cancelled', 'timeout', 'unhealthy', 'memory']);
/** After these nobody has asked for a run now: what is put back, or no longer held, waits until it is due, where it has a schedule. */
const unaskedFor: ReadonlySet<StopCause> = new Set(['changed', 'shutdown', 'removed', 'held', 'down']);
export const isUnaskedFor = (cause: StopCause): boolean => unaskedFor.has(cause);

/** What nobody asked to run now is started; by its schedule, where it has one. */
const anew = (life: Life, scene: Scene, cause: StartCause, facts: readonly Fact[]): Move =>
  queued(life, scene, facts) ?? (scene.rules.kind === 'cron' ? toRest(life, scene, 'idle', untilDue, facts) : toWaiting(life, scene, cause, facts));

export const untilDue = 'waiting until it is due';
export const calledOff = 'failed: this run of it was called off';

/** `null`: nobody knows since when. */
export const ranMs = ({ startedMs }: Life, endMs: number): number | null => (startedMs === null ? null : Math.max(0, endMs - startedMs));

/** The run that was due while this one lasted, whatever became of it; `null` = none was. */
export function queued(life: Life, scene: Scene, facts: readonly Fact[]): Move | null {
  return life.isQueued ? toWaiting({ ...life, isQueued: false, failures: 0 }, scene, 'due', facts) : null;
}

/** After an end that nobody asked for. `isWithEngine`: it counts against nothing, and what a policy of `never` would keep down stays down all the same. */
export function afterEnd(before: Life, scene: Scene, exit: Exit, facts: readonly Fact[], isWithEngine: boolean): Move {
  const life: Life = { ...before, mayCome: false };
  if (life.want !== 'run') return afterStop(life, scene, facts);
  const tookMs = ranMs(life, exit.at === null ? scene.nowMs : Date.parse(exit.at));
  // What failed while the old one might still come is no failure of the new one.
  if (isOutdated(life, scene)) return anew({ ...life, failures: 0 }, scene, 'changed', facts);
  if (isWithEngine && scene.rules.restart.policy !== 'never' && !isSuccess(scene.rules.restart, exit))
    return queued(life, scene, facts) ?? toWaiting(life, scene, 'engine', facts);
  const next = afterExit(scene.rules, exit, tookMs, life.failures, scene.random);
  if (next.is === 'done') {
    const told: readonly Fact[] = [...facts, { type: 'worker.done', data: { code: exit.code, tookMs } }];
    return queued(life, scene, told) ?? toRest({ ...life, failures: 0 }, scene, 'done', exit.code === 0 ? 'done' : `done with code ${exit.code}`, told);
  }
  return queued(life, scene, facts) ?? retry(life, scene, next, 'exited', facts);
}

export function retry(life: Life, scene: Scene, next: AfterFailure, cause: StartCause, facts: readonly Fact[]): Move {
  const failingSince = next.failures === 1 ? scene.at : (life.failingSince ?? scene.at);
  const failing: Life = { ...life, failures: next.failures, failingSince };
  // It ran for long enough while nobody looked.
  const steady = next.failures < life.failures ? steadyFacts(life, ranMs(life, scene.nowMs)) : [];
  if (next.is === 'failed') {
    const failed: Fact = { type: 'worker.failed', data: { why: next.why } };
    return queued(life, scene, [...facts, ...steady]) ?? toRest(failing, scene, 'failed', `failed: ${next.why}`, [...facts, ...steady, failed]);
  }
  const { delayMs, failures } = next;
  const nextTryAt = delayMs <= 0 ? null : new Date(scene.nowMs + delayMs).toISOString();
  const withinMs = Math.max(0, scene.nowMs - Date.parse(failingSince));
  const loops: readonly Fact[] =
    failures >= crashLoopFailures && life.failures < crashLoopFailures ? [{ type: 'worker.crash-looping', data: { failures, withinMs, nextTryAt } }] : [];
  if (nextTryAt === null) return toWaiting(failing, scene, cause, [...facts, ...steady, ...loops]);
  const reason = `${startCauses[cause]}; ${failures} in a row`;
  const waited = to(failing, scene, { ...clean, phase: 'backoff', reason, nextTryAt, startCause: cause });
  return stay(waited, [...facts, ...steady, { type: 'worker.backoff', data: { delayMs, failures, nextTryAt } }, ...loops]);
}

/** That a crash loop is over, where there was one. */
export function steadyFacts({ failures }: Life, afterMs: number | null): readonly Fact[] {
  return failures >= crashLoopFailures ? [{ type: 'worker.steady', data: { failures, afterMs } }] : [];
}

/** The facts of an end, the processes that outlived it included. */
export function endFacts(life: Life, event: Extract<LifeEvent, { type: 'exited' }>, scene: Scene): Fact[] {
  const { exit, left, lastLines } = event;
  const endMs = exit.at === null ? null : Date.parse(exit.at);
  const afterMs = life.startedMs === null || endMs === null ? null : Math.max(0, endMs - life.startedMs);
  const { code, signal, oom, evidence } = exit;
  const isGood = isSuccess(scene.rules.restart, exit);
  const facts: Fact[] = [{ type: 'worker.exited', data: { code, signal, oom, evidence, afterMs, ...(lastLines.length > 0 && !isGood ? { lastLines } : {}) } }];
  if (left.length > 0) {
    const processes = left.map((line) => ({ pid: Number.parseInt(line, 10), command: line.replace(/^\d+\s*/, '') }));
    facts.push({ type: 'worker.left-behind', data: { processes } });
  }
  return facts;
}

export const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);
