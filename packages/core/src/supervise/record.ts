import type { Json } from '@ostler/sdk';
import { entries, type OfWorker } from '../journal/index.ts';
import type { JournalEntry, WorkerRecord } from '../store/index.ts';
import { type Fact, type Life, newLife } from './life.ts';

/** What of a life has no column of its own. */
const extras = [
  'instanceGeneration',
  'blind',
  'unresolved',
  'mayCome',
  'onward',
  'stopCause',
  'startCause',
  'runs',
  'isQueued',
  'startedMs',
  'failingSince',
  'startedWith',
] as const;

export function toRecord(worker: string, life: Life): WorkerRecord {
  const { want, heldBy, phase, health, generation, instance, since, reason, restarts, failures, nextTryAt, epoch, lastDueAt } = life;
  const extra = Object.fromEntries(extras.map((name) => [name, life[name]])) as Json;
  return { worker, want, heldBy, phase, health, generation, instance, since, reason, restarts, failures, nextTryAt, epoch, lastDueAt, extra };
}

/**
 * Extras that an older form of the store did not have come as those of a new life. What a dead agent was preparing waits for its turn again: nothing of
 * a preparation is lost with it.
 */
export function fromRecord({ worker: _, extra, ...record }: WorkerRecord): Life {
  const known = typeof extra === 'object' && extra !== null && !Array.isArray(extra) ? (extra as Partial<Life>) : {};
  const kept = Object.fromEntries(extras.filter((name) => name in known).map((name) => [name, known[name]]));
  const phase = record.phase === 'preparing' ? 'waiting' : record.phase;
  return { ...newLife(record.since), ...record, phase, ...kept };
}

/** A fact as the journal tells it. The builders are typed by their own data; here they are chosen by name. */
export function toEntry(of: OfWorker, { type, data }: Fact): JournalEntry {
  const build = entries[type as keyof typeof entries] as unknown as ((of: OfWorker, data: object) => JournalEntry) | undefined;
  if (build === undefined) throw new Error(`the journal has no entry ${type}`);
  return build(of, data);
}
