import type { Exit, Json } from '@ostler/sdk';
import type { JournalEntry } from '../store/index.ts';
import { count } from './agent-entries.ts';
import { durationText } from './duration-text.ts';

/** Whose entry, and when (RFC 3339). */
export interface OfWorker {
  readonly at: string;
  readonly worker: string;
  readonly instance: string | null;
}

export interface ExitFacts extends Pick<Exit, 'code' | 'signal' | 'oom' | 'evidence'> {
  /** How long it ran; `null`: nobody saw the moment. */
  readonly afterMs: number | null;
  /** The end of its output, masked by who read it. */
  readonly lastLines?: readonly string[] | undefined;
}

/** A process that is left on the host. */
export interface LeftProcess {
  readonly pid: number;
  readonly command: string;
}

/** What happened to a worker. Texts do not name it: it stands beside them wherever they are shown. */
export const workerEntries = {
  'worker.declared': (w: OfWorker, d: { generation: number; runtime: string }) =>
    of(w, 'worker.declared', `Declared as generation ${d.generation} on ${d.runtime}.`, d),
  'worker.changed': (w: OfWorker, d: { from: number | null; to: number; fields: readonly string[] }) =>
    of(w, 'worker.changed', `Changed from generation ${d.from ?? 'unknown'} to ${d.to}${d.fields.length > 0 ? `: ${d.fields.join(', ')}` : ''}.`, d),
  'worker.removed': (w: OfWorker, d: { by: string }) => of(w, 'worker.removed', `Removed by ${d.by}.`, d),
  'worker.waiting': (w: OfWorker, d: { for: string }) => of(w, 'worker.waiting', `Waiting for ${d.for}.`, d),
  'worker.preparing': (w: OfWorker, d: { what: string | null }) => of(w, 'worker.preparing', `Preparing${d.what ? `: ${d.what}` : ' to start'}.`, d),
  /** The intent, persisted before the runtime is called: a start that follows may or may not have happened. */
  'worker.starting': (w: OfWorker, d: { generation: number | null; cause: string }) => of(w, 'worker.starting', `Starting: ${d.cause}.`, d),
  'worker.started': (w: OfWorker, d: { pid: number | null; tookMs: number }) =>
    of(w, 'worker.started', `Started${d.pid === null ? '' : ` as pid ${d.pid}`} in ${durationText(d.tookMs)}.`, d),
  'worker.adopted': (w: OfWorker, d: { pid: number | null; generation: number | null }) =>
    of(
      w,
      'worker.adopted',
      `Found running${d.pid === null ? '' : ` (pid ${d.pid})`} and taken over ${d.generation === null ? 'with its generation unknown' : 'unchanged'}.`,
      d,
    ),
  'worker.start-failed': (w: OfWorker, d: { code: string; outcome: 'no' | 'yes' | 'unknown'; message: string; lastLines?: readonly string[] }) =>
    of(w, 'worker.start-failed', `Could not be started: ${d.message}${d.outcome === 'unknown' ? ' Whether it runs is not known yet.' : ''}`, d),
  'worker.exited': (w: OfWorker, { lastLines, ...d }: ExitFacts) => of(w, 'worker.exited', exitText(d), lastLines ? { ...d, lastLines } : d),
  'worker.stopping': (w: OfWorker, d: { cause: string; why: string; evidence?: string }) =>
    of(w, 'worker.stopping', `Stopping: ${d.why}${d.evidence === undefined ? '' : `: ${d.evidence}`}.`, { ...d }),
  'worker.stopped': (w: OfWorker, d: { cause: string; tookMs: number; wasKilled: boolean }) =>
    of(w, 'worker.stopped', `Stopped after ${durationText(d.tookMs)}${d.wasKilled ? ': it did not end by itself and was killed' : ''}.`, d),
  'worker.backoff': (w: OfWorker, d: { delayMs: number; failures: number; nextTryAt: string }) =>
    of(w, 'worker.backoff', `Waiting ${durationText(d.delayMs)} after ${count(d.failures, 'failure')} in a row; next try at ${d.nextTryAt}.`, d),
  'worker.crash-looping': (w: OfWorker, d: { failures: number; withinMs: number; nextTryAt: string | null }) =>
    of(
      w,
      'worker.crash-looping',
      `Crash-looping: ${count(d.failures, 'failure')} within ${durationText(d.withinMs)}${d.nextTryAt ? `; next try at ${d.nextTryAt}` : ''}.`,
      d,
    ),
  'worker.steady': (w: OfWorker, d: { failures: number; afterMs: number | null }) =>
    of(
      w,
      'worker.steady',
      `Stable again${d.afterMs === null ? '' : ` after ${durationText(d.afterMs)}`}: ${count(d.failures, 'failure')} in a row came before.`,
      d,
    ),
  'worker.failed': (w: OfWorker, d: { why: string }) => of(w, 'worker.failed', `Failed for good: ${d.why}.`, d),
  'worker.done': (w: OfWorker, d: { code: number | null; tookMs: number | null }) =>
    of(w, 'worker.done', `Done${d.tookMs === null ? '' : ` after ${durationText(d.tookMs)}`}.`, d),
  'worker.healthy': (w: OfWorker, d: { afterMs: number | null }) =>
    of(w, 'worker.healthy', `Healthy${d.afterMs === null ? '' : ` after ${durationText(d.afterMs)}`}.`, d),
  'worker.unhealthy': (w: OfWorker, d: { evidence: string; failures: number }) =>
    of(w, 'worker.unhealthy', `Unhealthy after ${count(d.failures, 'failed probe')}: ${d.evidence}.`, d),
  'worker.signalled': (w: OfWorker, d: { signal: string; by: string }) =>
    of(w, 'worker.signalled', `Was sent ${d.signal} by ${d.by === 'health' ? 'its health rule' : d.by}.`, d),
  'worker.held': (w: OfWorker, d: { by: string }) => of(w, 'worker.held', `Held by ${d.by}: it stays stopped until it is started by hand.`, d),
  'worker.released': (w: OfWorker, d: { by: string }) => of(w, 'worker.released', `The hold was lifted by ${d.by}.`, d),
  'worker.unresolved': (w: OfWorker, d: { what: 'start' | 'stop' | 'remove'; message: string }) =>
    of(w, 'worker.unresolved', `Whether the ${d.what} happened is not known: ${d.message} Nothing is done until it is.`, d),
  'worker.blind': (w: OfWorker, d: { runtime: string; message: string }) =>
    of(w, 'worker.blind', `Out of sight: ${d.runtime} does not answer (${d.message}). What was last known stands.`, d),
  'worker.seen': (w: OfWorker, d: { afterMs: number }) => of(w, 'worker.seen', `In sight again after ${durationText(d.afterMs)}.`, d),
  'worker.left-behind': (w: OfWorker, { processes }: { processes: readonly LeftProcess[] }) =>
    of(w, 'worker.left-behind', leftText(processes), { processes: processes.map(({ pid, command }) => ({ pid, command })) }),
  'worker.skipped': (w: OfWorker, d: { dueAt: string; why: string }) => of(w, 'worker.skipped', `The run due at ${d.dueAt} was skipped: ${d.why}.`, d),
  'worker.cancelled': (w: OfWorker, d: { by: string }) => of(w, 'worker.cancelled', `This run was called off by ${d.by}.`, d),
  'worker.secret-changed': (w: OfWorker, d: { names: readonly string[] }) =>
    of(w, 'worker.secret-changed', `The value of ${d.names.length === 1 ? 'the secret' : 'the secrets'} ${d.names.join(', ')} changed.`, d),
} as const;

function of(w: OfWorker, type: string, text: string, data: Json): JournalEntry {
  return { at: w.at, type, worker: w.worker, instance: w.instance, text, data };
}

const seenBy = {
  engine: 'said by its engine',
  holder: 'said by its holder',
  inferred: 'how is not known: what held it was gone',
  none: 'nobody saw how',
} as const;

function exitText({ code, signal, oom, evidence, afterMs }: ExitFacts): string {
  const how = signal !== null ? `Killed by ${signal}` : code !== null ? `Exited with code ${code}` : 'Ended';
  const after = afterMs === null ? '' : ` after ${durationText(afterMs)}`;
  const memory = oom === 'main' ? ', out of memory' : oom === 'inside' ? '; one of its processes ran out of memory' : '';
  return `${how}${after}${memory} (${seenBy[evidence]}).`;
}

function leftText(processes: readonly LeftProcess[]): string {
  return `What it left running is ended: ${processes.map((p) => `pid ${p.pid} (${p.command})`).join(', ')}.`;
}
