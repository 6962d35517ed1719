import type { JournalRecord, WorkerRecord } from '../store/index.ts';
import { advise } from './advice.ts';
import { byHand } from './by-hand.ts';
import { calledOff, howCalledOff } from './called-off.ts';
import { type End, lastEnd, times } from './end.ts';
import { numberOf, textOf } from './fields.ts';
import { moment } from './moment.ts';
import { next } from './next.ts';
import type { Advice, WhyLink, WhyReport, WhyState } from './report.ts';
import { tries } from './tries.ts';

export interface Standing {
  readonly because: readonly string[];
  readonly lastLines: readonly string[];
  readonly waitsFor: readonly WhyLink[];
  readonly next: string;
  readonly tries: string | null;
  readonly advice: Advice | null;
}

/** How a worker stands, in words: what led here, what comes, what can be done. `told`: its own entries and the agent's starts, ascending. Pure. */
export function standing(record: WorkerRecord, told: readonly JournalRecord[], state: WhyState): Standing {
  const own = told.filter(({ worker }) => worker === record.worker);
  const off = calledOff(record, own);
  const end = lastEnd(off === null || goesOnAfter.has(state.startCause) ? own : own.slice(own.indexOf(off)), {
    nowAt: state.at,
    memoryLimitBytes: state.memoryLimitBytes,
  });
  const isHeld = record.want === 'held' && ['idle', 'done', 'failed'].includes(record.phase);
  const isOverEnd = !isHeld && state.blind === null && (['backoff', 'failed'].includes(record.phase) || isToldOf(record, own, end));
  return {
    because: because(record, { told, own, end, off, isHeld }, state),
    lastLines: isOverEnd ? (end?.lastLines ?? []) : [],
    waitsFor: links(state.waitsFor),
    next: next(record, own, state),
    tries: isHeld || state.blind !== null ? null : tries(record, state),
    advice: advise(record, { end, isCalledOff: off !== null }, state),
  };
}

interface Known {
  readonly told: readonly JournalRecord[];
  readonly own: readonly JournalRecord[];
  readonly end: End | null;
  /** That its run was called off, where it rests for that. */
  readonly off: JournalRecord | null;
  readonly isHeld: boolean;
}

function because(record: WorkerRecord, known: Known, state: WhyState): readonly string[] {
  const { own, end, off, isHeld } = known;
  const { blind, runtime } = state;
  if (blind !== null)
    return [
      `${runtime ?? 'Its runtime'} does not answer, so nobody can see how this worker is: ${sentence(blind.reason)}`,
      ...(record.phase === 'unresolved' ? unresolved(own, state) : [lastKnown(record, state)]),
    ];
  if (isHeld) return held(record, known, state);
  switch (record.phase) {
    case 'waiting':
      return waiting(record, known, state);
    case 'preparing':
    case 'starting':
      return [sentence(`It is being started: ${state.startCause ?? record.reason}`), ...(isExplainedBy(end, state) ? end.sentences : [])];
    case 'stopping':
      return [sentence(`It is being stopped: ${whyStopped(own) ?? record.reason}`)];
    case 'unresolved':
      return unresolved(own, state);
    case 'backoff':
      return end?.sentences ?? [sentence(record.reason)];
    case 'failed':
      if (off !== null) return howCalledOff(off, end, state.at);
      return [...(end?.sentences ?? []), sentence(`It is not started again: ${givenUp(lastText(own, 'worker.failed', 'why') ?? record.reason)}`)];
    case 'done':
    case 'idle':
      return atRest(record, known, state);
    case 'running':
      return running(record, known, state);
  }
}

/** What it died of stands before it already: `it exited with code 1, and its 3 restarts are used up`. */
const givenUp = (why: string): string => /,? and (its (?:one restart|\d+ restarts|restart policy) .*)$/.exec(why)?.[1] ?? why;

const asWords: Readonly<Record<string, string>> = {
  ...{ idle: 'at rest', waiting: 'waiting to be started', preparing: 'being prepared', starting: 'being started', stopping: 'being stopped' },
  ...{ backoff: 'waiting to be started again', done: 'done', failed: 'failed' },
};

function lastKnown({ phase, health }: WorkerRecord, { pid, startedAt, at }: WhyState): string {
  const was = phase === 'running' ? `running${health === 'ok' ? ' and healthy' : health === 'bad' ? ' and unhealthy' : ''}` : (asWords[phase] ?? phase);
  const who = pid === null ? '' : `, as pid ${pid}`;
  return `When it was last seen it was ${was}${who}${phase === 'running' && startedAt !== null ? `, started at ${moment(startedAt, at)}` : ''}.`;
}

function held({ heldBy, phase }: WorkerRecord, { told, own }: Known, { at }: WhyState): readonly string[] {
  const hold = own.findLast(({ type }) => type === (heldBy === 'health' ? 'worker.unhealthy' : 'worker.held'));
  const when = hold === undefined ? '' : ` at ${moment(hold.at, at)}`;
  const who =
    heldBy === 'health'
      ? 'Its probes failed and it was stopped for that (health.onUnhealthy: stop)'
      : heldBy === 'down'
        ? 'Everything on this host was stopped by `ostler down`'
        : heldBy === null || heldBy === byHand
          ? 'It was stopped by hand, with `ostler stop`,'
          : `It was stopped by ${heldBy}`;
  const verdict = heldBy === 'health' ? lastText(own, 'worker.unhealthy', 'evidence') : null;
  const since = hold === undefined ? [] : told.filter(({ type, cursor }) => type === 'agent.started' && cursor > hold.cursor);
  return [
    `${who}${when}, and is held since.`,
    ...(verdict === null ? [] : [sentence(`The last probe: ${verdict}`)]),
    ...(phase === 'failed' ? ['It had failed already.'] : []),
    ...(since.length === 0
      ? []
      : [`The agent was started ${times(since.length)} since, the last time at ${moment(since.at(-1)!.at, at)}: a hold outlives it.`]),
  ];
}

function waiting({ reason }: WorkerRecord, { end }: Known, state: WhyState): readonly string[] {
  const own = sentence(reason.startsWith('waiting for ') ? `It waits for ${reason.slice('waiting for '.length)}` : `It is ${reason}`);
  return reason.startsWith('to be started') && isExplainedBy(end, state) ? [own, ...end.sentences] : [own];
}

/** What a worker that is waited for says of itself, then what that one waits for. */
function links(report: WhyReport | null): readonly WhyLink[] {
  if (report === null || report.now === null) return [];
  const { waitsFor, ...now } = report.now;
  return [{ worker: report.worker, state: now.state, since: now.since, because: now.because, lastLines: now.lastLines }, ...waitsFor];
}

function unresolved(own: readonly JournalRecord[], { unresolved: what, at, runtime }: WhyState): readonly string[] {
  const entry = own.findLast(({ type }) => type === 'worker.unresolved');
  const message = entry === undefined ? null : textOf(entry.data, 'message');
  return [
    `At ${moment(entry?.at ?? at, at)} the call to ${what ?? 'start'} it was lost on the way: ${sentence(message ?? 'no answer came')}`,
    `So ${runtime ?? 'its runtime'} may have done it or not, and may still do it later: a second ${what === 'stop' ? 'stop' : 'start'} now could meet the first one.`,
  ];
}

function atRest(record: WorkerRecord, { own, end }: Known, { at, rules }: WhyState): readonly string[] {
  const isCron = rules?.kind === 'cron';
  const skipped = own.findLast(({ type }) => type === 'worker.skipped');
  const done = own.findLast(({ type }) => type === 'worker.done');
  const code = done === undefined ? null : numberOf(done.data, 'code');
  const lines =
    done === undefined || record.phase !== 'done'
      ? []
      : [`${isCron ? 'Its last run' : 'It'} ended well at ${moment(done.at, at)}, with code ${code ?? 'unknown'}.`];
  if (record.phase === 'idle') lines.push(...(isCron ? ['It waits until it is due.'] : [sentence(`It is ${record.reason}`), ...(end?.sentences ?? [])]));
  if (isCron && skipped !== undefined && skipped.cursor > (own.findLast(({ type }) => type === 'worker.starting')?.cursor ?? 0))
    lines.push(skippedText(skipped, at));
  return lines.length === 0 ? [sentence(record.reason)] : lines;
}

function skippedText({ data }: JournalRecord, at: string): string {
  const dueAt = textOf(data, 'dueAt');
  return sentence(
    `The run that was due at ${dueAt === null ? 'an unknown time' : moment(dueAt, at)} was skipped: ${textOf(data, 'why') ?? 'for a reason that was not kept'}`,
  );
}

function running(record: WorkerRecord, { own, end }: Known, { at, startedAt, pid }: WhyState): readonly string[] {
  const lines: string[] = [];
  if (record.health === 'bad') {
    const verdict = own.findLast(({ type }) => type === 'worker.unhealthy');
    const failures = verdict === undefined ? null : numberOf(verdict.data, 'failures');
    const evidence = verdict === undefined ? record.reason : (textOf(verdict.data, 'evidence') ?? record.reason);
    lines.push(
      sentence(
        `Its probes failed${failures === null ? '' : ` ${times(failures)} in a row`}${verdict === undefined ? '' : `, at ${moment(verdict.at, at)}`}; the last: ${evidence}`,
      ),
    );
  }
  const began = own.findLast(({ type }) => type === 'worker.starting');
  const cause = began === undefined ? null : textOf(began.data, 'cause');
  const adopted = own.findLast(({ type, cursor }) => type === 'worker.adopted' && cursor > (began?.cursor ?? 0));
  lines.push(
    `It runs since ${moment(startedAt ?? record.since, at)}${pid === null ? '' : ` as pid ${pid}`}${cause === null ? '' : `, started because ${cause}`}.`,
  );
  if (record.health === 'starting') lines.push('Its probes have not called it healthy yet.');
  if (adopted !== undefined) lines.push(`The agent came anew at ${moment(adopted.at, at)} and took it over as it ran.`);
  if (end !== null && isToldOf(record, own, end)) lines.push('The run before it:', ...end.sentences);
  if (record.restarts > 0) lines.push(`It was restarted ${times(record.restarts)} since it was declared, changed, or started by hand.`);
  return lines;
}

/** As supervise/cause.ts words them: the causes that the run before has to explain. */
const restartedBy: ReadonlySet<string | null> = new Set(['the last one ended', 'the last start failed', 'the last one was unhealthy']);
const goesOnAfter: ReadonlySet<string | null> = new Set([
  ...restartedBy,
  'it had ended together with its engine',
  'whether the last start happened was not known, and nothing of it is there',
]);
/** A start that somebody asked for, or that is due, does not come of how an older run ended. */
const isExplainedBy = (end: End | null, { startCause }: WhyState): end is End => end !== null && end.kind !== 'asked' && goesOnAfter.has(startCause);
const isToldOf = ({ phase }: WorkerRecord, own: readonly JournalRecord[], end: End | null): boolean =>
  phase === 'running' && end !== null && restartedBy.has(startCause(own));

function startCause(own: readonly JournalRecord[]): string | null {
  return lastText(own, 'worker.starting', 'cause');
}
function whyStopped(own: readonly JournalRecord[]): string | null {
  return lastText(own, 'worker.stopping', 'why');
}
function lastText(own: readonly JournalRecord[], type: string, name: string): string | null {
  const found = own.findLast((one) => one.type === type);
  return found === undefined ? null : textOf(found.data, name);
}

const sentence = (text: string): string => (/[.!?:]$/.test(text) ? text : `${text}.`);
