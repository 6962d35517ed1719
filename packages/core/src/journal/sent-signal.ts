import type { JournalRecord } from '../store/index.ts';
import { byHand } from './by-hand.ts';
import { textOf } from './fields.ts';
import { moment } from './moment.ts';

/** So soon after a signal an end may be what it led to. */
const soonMs = 60_000;

/** The signal that ostler had sent shortly before, in words; `null`: none. It may have been written down after the end. */
export function sentBefore({ at, instance, data }: JournalRecord, own: readonly JournalRecord[], nowAt: string): string | null {
  const endedBy = textOf(data, 'signal');
  const sent = own.findLast(({ type, instance: its }) => type === 'worker.signalled' && its === instance);
  const signal = sent === undefined ? null : textOf(sent.data, 'signal');
  if (sent === undefined || signal === null || (endedBy !== null && endedBy !== signal)) return null;
  if (Date.parse(at) - Date.parse(sent.at) > soonMs) return null;
  const by = textOf(sent.data, 'by');
  const how = by === 'health' ? 'because its probes failed (health.onUnhealthy)' : by === byHand || by === null ? 'by hand, with `ostler kill`' : `by ${by}`;
  return `It had been sent ${signal} at ${moment(sent.at, nowAt)}, ${how}.`;
}
