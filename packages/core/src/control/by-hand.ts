import type { ApplyRequest, DownRequest, OutcomeDocument, PlanDocument, PlanRequest, PlanStep } from '../api/wire.ts';
import type { Step } from '../plan/index.ts';
import type { Plan } from '../reconcile/index.ts';
import { type Supervisor, stateOf, verdictOf } from '../supervise/index.ts';
import { type Parts, startableOf, workerOf } from './parts.ts';
import { psWorker } from './ps.ts';
import { whyOf } from './why.ts';

// What a person asks for, and how it came out.

export async function plan(parts: Parts, { hostFile, workers }: PlanRequest, signal: AbortSignal): Promise<PlanDocument> {
  return planDocument(await parts.reconciler.plan(await parts.readHostFile(hostFile), workers, signal));
}

export async function apply(parts: Parts, request: ApplyRequest, by: string, signal: AbortSignal): Promise<OutcomeDocument> {
  const { hostFile, workers, digest, allowRemove = false, release = false, waitMs = 120_000 } = request;
  const config = await parts.readHostFile(hostFile);
  const { clock } = parts.crew.services;
  const untilMs = clock.monotonicMs() + waitMs;
  const done = await parts.reconciler.apply(config, { workers, digest, allowRemove, by, prepareWithinMs: waitMs }, signal);
  const named = done.steps.map(({ worker }) => worker);
  if (release) parts.down.callOff();
  if (release) await Promise.all(named.map((name) => parts.crew.get(name)?.send({ type: 'start', by, cause: 'release' })));
  const touched = release ? named : done.steps.filter(({ kind }) => kind !== 'keep').map(({ worker }) => worker);
  return outcome(parts, touched, planDocument(done).steps, waitMs, signal, Math.max(0, Math.round(untilMs - clock.monotonicMs())));
}

export async function start(parts: Parts, name: string, waitMs: number, by: string, signal: AbortSignal): Promise<OutcomeDocument> {
  const one = startableOf(parts, name);
  parts.down.callOff();
  await one.send({ type: 'start', by, cause: 'user' });
  return started(one, await outcome(parts, [name], [], waitMs, signal));
}

export async function restart(parts: Parts, name: string, waitMs: number, by: string, signal: AbortSignal): Promise<OutcomeDocument> {
  const one = startableOf(parts, name);
  parts.down.callOff();
  await one.send({ type: 'restart', by, cause: 'restart' });
  return started(one, await outcome(parts, [name], [], waitMs, signal));
}

/** What was stopped again by then is as somebody wished, but not as was asked for here. */
const started = (one: Supervisor, answer: OutcomeDocument): OutcomeDocument =>
  answer.outcome === 'done' && one.life.want === 'held' ? { ...answer, outcome: 'failed', message: sentenceOf(one) } : answer;

export async function stop(parts: Parts, name: string, waitMs: number, by: string, signal: AbortSignal): Promise<OutcomeDocument> {
  const one = workerOf(parts, name);
  await one.send({ type: 'hold', by, cause: 'held' });
  const isStopped = (): boolean => stateOf(one.life) === 'stopped' || one.isClosed;
  // Who wishes meanwhile that it runs has the last word: there is no stop left to wait for.
  const late = until(waitMs, signal);
  await parts.crew.until(() => isStopped() || one.life.want === 'run', late);
  const answer = stopped(parts, [name], isStopped() && (await parts.crew.atRest([one], late)));
  const isOvertaken = !isStopped() && one.life.want === 'run';
  return isOvertaken ? { ...answer, outcome: 'failed', message: `${name} was started again before it had stopped` } : answer;
}

export async function down(parts: Parts, { agent = false, waitMs = 120_000 }: DownRequest, by: string, signal: AbortSignal): Promise<OutcomeDocument> {
  if (agent) {
    parts.endSoon(`asked for by ${by}`);
    return { version: 1, outcome: 'done', message: 'the agent ends; its workers run on', steps: [], workers: [] };
  }
  const all = parts.crew.all();
  const isStopped = await parts.down.stopAll(all, signal, AbortSignal.timeout(waitMs));
  return stopped(
    parts,
    all.map(({ worker }) => worker),
    isStopped,
    'not stopped in the time given; it goes on, until something is started',
  );
}

/** Waits until each of these workers is well, or not, or the time is over. `leftMs`: of `waitMs`. */
export async function outcome(
  parts: Parts,
  names: readonly string[],
  steps: readonly PlanStep[],
  waitMs: number,
  signal: AbortSignal,
  leftMs = waitMs,
): Promise<OutcomeDocument> {
  const verdict = (name: string): 'ok' | 'bad' | null => {
    const one = parts.crew.get(name);
    // Removed and gone.
    if (one === undefined) return 'ok';
    if (one.life.want === 'removed') return null;
    return verdictOf(one.life, one.normal()?.rules.kind ?? 'service');
  };
  const isDone = await parts.crew.until(() => names.every((name) => verdict(name) !== null), until(leftMs, signal));
  const bad = names.filter((name) => verdict(name) === 'bad');
  const open = names.filter((name) => verdict(name) === null);
  const told = (list: readonly string[]): string => list.map((name) => sentenceOf(parts.crew.get(name))).join('; ');
  const failed = bad.length > 0 ? await Promise.all(bad.slice(0, mostTold).map((name) => failedStart(parts, name))) : [];
  const said =
    bad.length > 0
      ? { outcome: 'failed' as const, message: [told(bad), ...failed.flat()].join('\n') }
      : isDone
        ? { outcome: 'done' as const, message: 'all is well' }
        : null;
  const late = { outcome: 'not-finished' as const, message: `not finished in ${waitMs} ms: ${told(open)}` };
  return { version: 1, ...(said ?? late), steps: [...steps], workers: present(parts, names) };
}

/** Of so many workers that are not well, what their starts failed of is told at once. */
const mostTold = 3;

/** Why the last start of a worker failed, with what a build printed, as lines; empty where it was started. */
async function failedStart(parts: Parts, name: string): Promise<readonly string[]> {
  const { report } = await whyOf(parts, name);
  const last = report.entries.findLast(({ what }) => what === 'worker.exited' || what === 'worker.start-failed');
  return last?.what === 'worker.start-failed' ? [`${name}: ${last.text}`, ...last.lastLines.map((line) => `| ${line}`)] : [];
}

function sentenceOf(one: Supervisor | undefined): string {
  if (one === undefined) return '';
  const [state, { reason }] = [stateOf(one.life), one.life];
  // Many a reason begins with the state.
  return `${one.worker} is ${reason === state || reason.startsWith(`${state}: `) ? reason : `${state}: ${reason}`}`;
}

function stopped(parts: Parts, names: readonly string[], isStopped: boolean, late = 'not stopped in the time given'): OutcomeDocument {
  const message = isStopped ? 'stopped' : late;
  return { version: 1, outcome: isStopped ? 'done' : 'not-finished', message, steps: [], workers: present(parts, names) };
}

const present = (parts: Parts, names: readonly string[]) => names.flatMap((name) => parts.crew.get(name) ?? []).map((one) => psWorker(parts, one));

function until(waitMs: number, signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
}

function planDocument({ hostFile, digest, steps, warnings, needsAllowRemove }: Plan): PlanDocument {
  return { version: 1, hostFile, digest, steps: steps.map(planStep), warnings: [...warnings], needsAllowRemove };
}

const planStep = (step: Step): PlanStep => ({
  ...step,
  changes: step.changes.map((change) => ({ ...change })),
  refused: [...step.refused],
  unenforced: [...step.unenforced],
});
