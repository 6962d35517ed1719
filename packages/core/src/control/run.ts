import type { RunDocument } from '../api/wire.ts';
import { problem } from '../base/problem.ts';
import { type Life, type Supervisor, stateOf, stopCauses } from '../supervise/index.ts';
import { type Parts, startableOf, workerOf } from './parts.ts';
import { atRest, beforeStart, PresentRun } from './present-run.ts';

// Single runs of jobs and of workers with a schedule, by hand.

export async function run(parts: Parts, name: string, waitMs: number, by: string, signal: AbortSignal): Promise<RunDocument> {
  const one = ending(parts, name);
  startableOf(parts, name);
  const { phase, since, instance: before } = one.life;
  if (!atRest.has(phase) && phase !== 'backoff')
    throw problem({
      code: 'run-refused',
      message: `${name} is ${stateOf(one.life)} already, since ${since}: nothing was begun`,
      hint: `\`ostler logs -f ${name}\` shows the run that is under way`,
    });
  parts.down.callOff();
  const { runs } = one.life;
  await one.send({ type: 'run', by });
  // Until that is written down its run may be over, and the next one have begun.
  return next(parts, one, Math.min(runs + 1, one.life.runs), before, waitMs, signal);
}

/** `run`: `null` = that of `after`, else the present one. */
export function awaitRun(parts: Parts, name: string, run: number | null, after: string | null, waitMs: number, signal: AbortSignal): Promise<RunDocument> {
  const one = after === null ? ending(parts, name) : workerOf(parts, name);
  const its = run ?? (after === null ? null : one.instances.runOf(after)) ?? one.life.runs;
  return next(parts, one, its, after, waitMs, signal);
}

/** Of one that has become a service since: what runs now is no run, and `after` was its last. */
async function lastOf(parts: Parts, one: Supervisor, run: number, after: string | null, waitMs: number, signal: AbortSignal): Promise<RunDocument> {
  const isOver = (): boolean => one.isClosed || after === null || one.instances.get(after)?.exit != null;
  await parts.crew.until(isOver, AbortSignal.any([signal, AbortSignal.timeout(waitMs)]));
  return { ...documentOf(one, run, null, after), isOver: isOver() };
}

/** `run`: `null` = the present one. */
export async function cancelRun(parts: Parts, name: string, run: number | null, waitMs: number, by: string, signal: AbortSignal): Promise<RunDocument> {
  const one = ending(parts, name);
  if (run !== null && run !== one.life.runs) return documentOf(one, run, one.instances.ofRun(run).at(-1)?.instance ?? null, null);
  const asked = new PresentRun(one, parts.crew);
  try {
    return await callOff(parts, asked, one, by, AbortSignal.any([signal, AbortSignal.timeout(waitMs)]));
  } finally {
    asked.close();
  }
}

/** That run, and none that comes after it. */
async function callOff(parts: Parts, asked: PresentRun, one: Supervisor, by: string, late: AbortSignal): Promise<RunDocument> {
  const isOver = (): boolean => asked.isOver || one.isClosed;
  let isTaken = false;
  const isToBeTold = (): boolean => !isTaken && mayBeCalledOff(one.life);
  while ((await parts.crew.until(() => isOver() || isToBeTold(), late)) && !isOver() && !late.aborted) {
    const { epoch } = one.life;
    const isKept = await inTime(one.send({ type: 'cancel', by, epoch }), late);
    isTaken = isCalledOff(one.life);
    if (isTaken && !isKept)
      return { ...documentOf(one, asked.number, asked.instance, null), isOver: false, reason: 'that it is called off is not written down yet' };
  }
  const told = documentOf(one, asked.number, asked.instance, null);
  if (one.life.runs !== asked.number) return told;
  if (!asked.isOver || told.isOver) return { ...told, reason: outlook(one.life) };
  return { ...told, isOver: true, reason: ofNext(one.life) };
}

/** Of a call that is under way nothing is known, and it is not cut short. What is not wanted is stopped in any case. */
const mayBeCalledOff = ({ phase, want }: Life): boolean => want === 'run' && (phase === 'running' || beforeStart.has(phase));
const isCalledOff = ({ phase, stopCause }: Life): boolean => atRest.has(phase) || stopCause === 'cancelled';

/** What is known of the end of a run that was to be called off, as its life says it. */
function outlook({ phase, want, blind, stopCause, unresolved, reason }: Life): string {
  const isToStop = phase === 'stopping' || (phase === 'running' && (want !== 'run' || stopCause !== null));
  if (blind !== null && isToStop) return `it cannot be seen: ${blind.reason}; it is stopped once its runtime answers`;
  return want === 'run' && (phase === 'starting' || unresolved === 'start') ? `it is not called off yet: ${reason}` : reason;
}

/** `false`: the signal came first. */
function inTime(done: Promise<void>, signal: AbortSignal): Promise<boolean> {
  const late = new Promise<false>((resolve) => {
    if (signal.aborted) resolve(false);
    else signal.addEventListener('abort', () => resolve(false), { once: true });
  });
  return Promise.race([done.then(() => true), late]);
}

async function next(parts: Parts, one: Supervisor, run: number, after: string | null, waitMs: number, signal: AbortSignal): Promise<RunDocument> {
  const isTold = (): boolean => one.isClosed || isService(one) || isPast(one, run) || following(one, run, after).length > 0;
  await parts.crew.until(isTold, AbortSignal.any([signal, AbortSignal.timeout(waitMs)]));
  if (isService(one)) return lastOf(parts, one, run, after, waitMs, signal);
  const [begun, ...more] = following(one, run, after);
  const told = documentOf(one, run, begun ?? null, after);
  return more.length === 0 ? told : { ...told, isOver: false };
}

const isPast = ({ life }: Supervisor, run: number): boolean => life.runs !== run || atRest.has(life.phase);

/** The instances of that run after the one that is named: all of them where that is of a run before. */
function following({ instances }: Supervisor, run: number, after: string | null): readonly string[] {
  const all = instances.ofRun(run).map(({ instance }) => instance);
  return all.slice(after === null ? 0 : all.indexOf(after) + 1);
}

const ofNext = ({ reason }: Life): string => `this run of it is over; of the next one: ${reason}`;

function documentOf(one: Supervisor, run: number, instance: string | null, before: string | null): RunDocument {
  const { life } = one;
  const last = instance ?? before;
  const record = last === null || one.instances.runOf(last) !== run ? null : one.instances.get(last);
  return {
    ...{ version: 1, worker: one.worker, run, instance, after: last, state: stateOf(life), isOver: isPast(one, run) },
    ...{
      exit: record?.exit ?? null,
      stopped: record?.stopCause == null ? null : (stopCauses[record.stopCause as keyof typeof stopCauses] ?? record.stopCause),
    },
    reason: life.runs === run ? life.reason : ofNext(life),
  };
}

const isService = (one: Supervisor): boolean => one.normal()?.rules.kind === 'service';

function ending(parts: Parts, name: string): Supervisor {
  const one = workerOf(parts, name);
  if (!isService(one)) return one;
  throw problem({
    code: 'run-refused',
    message: `${name} is a service, which does not end by itself: only jobs and workers with a schedule are run`,
    hint: `\`ostler start ${name}\` starts it, \`ostler restart ${name}\` starts it anew`,
  });
}
