import type { JournalRecord, WorkerRecord } from '../store/index.ts';
import { byHand } from './by-hand.ts';
import type { End } from './end.ts';
import { textOf } from './fields.ts';
import { moment } from './moment.ts';

/** That its last run was called off, where it has failed for that; what had failed for another reason was told so then. */
export function calledOff({ phase }: WorkerRecord, own: readonly JournalRecord[]): JournalRecord | null {
  const told = phase === 'failed' ? own.findLast(({ type }) => type === 'worker.cancelled' || type === 'worker.failed') : undefined;
  return told?.type === 'worker.cancelled' ? told : null;
}

/** `end`: of the run that was called off, `null` = it had not begun. */
export function howCalledOff({ at, cursor, data }: JournalRecord, end: End | null, nowAt: string): readonly string[] {
  if (end !== null && end.cursor > cursor) return end.sentences;
  const by = textOf(data, 'by') ?? byHand;
  const when = `This run of it was called off ${by === byHand ? 'by hand' : `by ${by}`} at ${moment(at, nowAt)}`;
  return end === null ? [`${when}, before it had begun.`] : [...end.sentences, `${when}, before it was tried again.`];
}
