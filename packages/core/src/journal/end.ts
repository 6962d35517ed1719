import type { JournalRecord } from '../store/index.ts';
import { durationText } from './duration-text.ts';
import { linesOf, numberOf, textOf } from './fields.ts';
import { moment } from './moment.ts';
import { sentBefore } from './sent-signal.ts';

/** How a run came to its end, or why there was none. */
export interface End {
  /** `asked`: somebody wanted it to end. `unseen`: it was over, and nobody can say how. */
  readonly kind: 'exit' | 'memory' | 'start-failed' | 'build-failed' | 'unhealthy' | 'timeout' | 'unseen' | 'asked';
  readonly cursor: number;
  readonly at: string;
  readonly instance: string | null;
  /** Plain sentences, the first cause first. */
  readonly sentences: readonly string[];
  readonly lastLines: readonly string[];
}

interface Seen {
  readonly nowAt: string;
  readonly memoryLimitBytes: number | null;
}

/** The newest end that a worker's own records tell, ascending; `null`: none is among them. */
export function lastEnd(own: readonly JournalRecord[], seen: Seen): End | null {
  const index = own.findLastIndex(({ type }) => ends.has(type));
  const record = own[index];
  if (record === undefined) return null;
  const { cursor, at, instance, data } = record;
  const when = moment(at, seen.nowAt);
  if (record.type === 'worker.start-failed') {
    const doubt = textOf(data, 'outcome') === 'unknown' ? ['Whether it runs all the same is not known.'] : [];
    return {
      kind: textOf(data, 'code') === 'build-failed' ? 'build-failed' : 'start-failed',
      ...{ cursor, at, instance },
      sentences: [`It could not be started at ${when}: ${textOf(data, 'message') ?? ''}`.trimEnd(), ...doubt],
      lastLines: linesOf(data, 'lastLines'),
    };
  }
  const run = own.slice(0, index + 1).filter((one) => one.instance === instance);
  // The exit of an instance that was stopped stands before the stop's own entry.
  const exit = run.findLast(({ type }) => type === 'worker.exited') ?? null;
  const base = { cursor, at, instance, lastLines: exit === null ? [] : linesOf(exit.data, 'lastLines') };
  const stopping = run.findLast(({ type }) => type === 'worker.stopping');
  if (stopping !== undefined) return { ...base, ...stopped(stopping, run, when) };
  return { ...base, ...ended(exit ?? record, when, seen, sentBefore(exit ?? record, own, seen.nowAt)) };
}

const ends: ReadonlySet<string> = new Set(['worker.exited', 'worker.start-failed', 'worker.stopped']);

function stopped(stopping: JournalRecord, run: readonly JournalRecord[], when: string): Pick<End, 'kind' | 'sentences'> {
  const cause = textOf(stopping.data, 'cause');
  const wasKilled = run.some(
    ({ type, data }) => type === 'worker.stopped' && typeof data === 'object' && data !== null && 'wasKilled' in data && data.wasKilled === true,
  );
  const how = wasKilled ? ', and killed because it did not end by itself' : '';
  if (cause === 'unhealthy') {
    const verdict = run.findLast(({ type }) => type === 'worker.unhealthy');
    const failures = verdict === undefined ? null : numberOf(verdict.data, 'failures');
    const told = verdict === undefined ? null : textOf(verdict.data, 'evidence');
    const what = `Its probes failed${failures === null ? '' : ` ${times(failures)} in a row`}${told === null ? '' : `; the last: ${told}`}.`;
    return { kind: 'unhealthy', sentences: [what, `So it was stopped at ${when}${how}.`] };
  }
  if (cause === 'timeout') return { kind: 'timeout', sentences: [`It ran longer than the timeout of its schedule and was stopped at ${when}${how}.`] };
  return { kind: 'asked', sentences: [`It was stopped at ${when}${how}: ${textOf(stopping.data, 'why') ?? 'it was asked for'}.`] };
}

function ended({ data }: JournalRecord, when: string, { memoryLimitBytes }: Seen, sent: string | null): Pick<End, 'kind' | 'sentences'> {
  const code = numberOf(data, 'code');
  const signal = textOf(data, 'signal');
  const afterMs = numberOf(data, 'afterMs');
  const oom = textOf(data, 'oom');
  const ran = afterMs === null ? '' : ` after it had run for ${durationText(afterMs)}`;
  if (oom === 'main') {
    const limit =
      memoryLimitBytes === null ? 'it has no limit of its own: the host or a group above it ran out' : `limits.memory is ${bytesText(memoryLimitBytes)}`;
    return { kind: 'memory', sentences: [`The kernel killed it for lack of memory at ${when}${ran} (${limit}).`] };
  }
  const child = oom === 'inside' ? ['One of its own processes had been killed by the kernel for lack of memory.'] : [];
  if (signal !== null) return { kind: 'exit', sentences: [`It was killed by ${signal} at ${when}${ran}.`, ...child, sent ?? signalMeans(signal, oom)] };
  if (code !== null) return { kind: 'exit', sentences: [`It exited with code ${code} at ${when}${ran}${codeMeans(code)}.`, ...child, sent ?? unasked] };
  const why =
    textOf(data, 'evidence') === 'inferred'
      ? 'How it ended is not known: the holder, a small process beside it that would have kept its exit code, had been killed itself.'
      : 'How it ended is not known: when it was looked at, nothing of it was there any more.';
  return { kind: 'unseen', sentences: [`It was found to have ended at ${when}.`, why, unasked] };
}

/** An end of its own; a person at night asks first whether somebody stopped it. */
const unasked = 'Nobody had asked it to stop.';

/** What a shell, or the convention of shells, means by a code. */
const codes: Readonly<Record<number, string>> = {
  126: ', by which shells say that a file cannot be executed',
  127: ', by which shells say that a command was not found',
  130: ', by which shells say that a command ended by SIGINT',
  134: ', by which shells say that a command ended by SIGABRT',
  137: ', by which shells say that a command ended by SIGKILL',
  139: ', by which shells say that a command ended by SIGSEGV',
  143: ', by which shells say that a command ended by SIGTERM',
};
const codeMeans = (code: number): string => codes[code] ?? '';

const faults = new Set(['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGABRT', 'SIGTRAP', 'SIGSYS']);

function signalMeans(signal: string, oom: string | null): string {
  if (faults.has(signal)) return 'That is a fault of the program itself.';
  const memory = signal === 'SIGKILL' && oom === 'unknown' ? ' Whether the kernel did, for lack of memory, cannot be told on this host.' : '';
  return `Not by ostler: the program did that itself, or somebody else on this host did.${memory}`;
}

export const times = (n: number): string => (n === 1 ? 'once' : n === 2 ? 'twice' : `${n} times`);

export function bytesText(bytes: number): string {
  for (const [unit, size] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const)
    if (bytes >= size) return `${Number((bytes / size).toFixed(1))} ${unit}`;
  return `${bytes} bytes`;
}
