import type { Json } from '@ostler/sdk';
import type { JournalEntry } from '../store/index.ts';
import { durationText } from './duration-text.ts';

/** What happened to the agent, its plugins and runtimes. `at`: RFC 3339. */
export const agentEntries = {
  'agent.started': (at: string, d: { version: string; pid: number; hostFile: string | null; adopted: number }) =>
    of(at, 'agent.started', `The agent ${d.version} started (pid ${d.pid}) and found ${count(d.adopted, 'running worker')}.`, d),
  'agent.stopped': (at: string, d: { cause: string; workers: 'left running' | 'stopped' }) =>
    of(at, 'agent.stopped', `The agent stopped: ${d.cause}; its workers were ${d.workers}.`, d),
  'store.set-aside': (at: string, d: { path: string; why: string }) =>
    of(at, 'store.set-aside', `The store was damaged (${d.why}); it was set aside as ${d.path} and an empty one begun.`, d),
  'plan.applied': (at: string, d: { steps: number; by: string; changed: readonly string[] }) =>
    of(at, 'plan.applied', `A plan of ${count(d.steps, 'step')} was applied by ${d.by}${d.changed.length > 0 ? ` to ${d.changed.join(', ')}` : ''}.`, d),
  'plugin.failed': (at: string, d: { plugin: string; what: string; message: string }) =>
    of(at, 'plugin.failed', `The plugin ${d.plugin} failed in ${d.what}: ${d.message}`, d),
  'runtime.down': (at: string, d: { runtime: string; message: string }) =>
    of(at, 'runtime.down', `The runtime ${d.runtime} does not answer: ${d.message} Its workers are left alone.`, d),
  'runtime.up': (at: string, d: { runtime: string; afterMs: number | null }) =>
    of(at, 'runtime.up', `The runtime ${d.runtime} answers${d.afterMs === null ? '' : ` again after ${durationText(d.afterMs)}`}.`, d),
  'journal.trimmed': (at: string, d: { dropped: number; keepEntries: number; keepDays: number }) =>
    of(
      at,
      'journal.trimmed',
      `The ${d.dropped === 1 ? 'oldest entry was' : `${d.dropped} oldest entries were`} dropped: ${d.keepEntries} of the last ${d.keepDays} days are kept at most.`,
      d,
    ),
  /** Never stored: stands where a reader asked for what was dropped. `from` and `through`: cursors. */
  'journal.gap': (at: string, d: { from: number; through: number }) =>
    of(
      at,
      'journal.gap',
      `${d.from === d.through ? `Entry ${d.from} was` : `Entries ${d.from} to ${d.through} were`} dropped from the journal, by its age or number, before this reader asked for ${d.from === d.through ? 'it' : 'them'}.`,
      d,
    ),
  'loop.stalled': (at: string, d: { ms: number; during: string | null }) =>
    of(
      at,
      'loop.stalled',
      `The agent was held up for ${durationText(d.ms)}${d.during ? ` during ${d.during}` : ''}; probe results of that time do not count.`,
      d,
    ),
} as const;

function of(at: string, type: string, text: string, data: Json): JournalEntry {
  return { at, type, worker: null, instance: null, text, data };
}

export function count(n: number, noun: string): string {
  return `${n === 0 ? 'no' : n} ${noun}${n === 1 ? '' : 's'}`;
}
