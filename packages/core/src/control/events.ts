import type { EventsQuery } from '../api/control.ts';
import type { EventRecord } from '../api/wire.ts';
import { problem } from '../base/problem.ts';
import type { Journal } from '../journal/index.ts';
import type { JournalRecord } from '../store/index.ts';

/** What the events need of an agent. */
interface Source {
  readonly journal: Journal;
}

export async function events({ journal }: Source, { after, since, worker, limit }: EventsQuery): Promise<readonly EventRecord[]> {
  const query = {
    ...(after === null ? {} : { afterCursor: await cursorOf(journal, after) }),
    ...(since === null ? {} : { since }),
    ...(worker === null ? {} : { worker }),
    ...(limit === null ? {} : { limit }),
  };
  return (await journal.query(query)).map(eventOf);
}

export async function followEvents(
  { journal }: Source,
  { after, worker }: Pick<EventsQuery, 'after' | 'worker'>,
  signal: AbortSignal,
): Promise<AsyncIterable<EventRecord>> {
  const from = { ...(after === null ? {} : { afterCursor: await cursorOf(journal, after) }), ...(worker === null ? {} : { worker }) };
  const records = journal.follow(from, signal);
  return (async function* () {
    for await (const record of records) yield eventOf(record);
  })();
}

const eventOf = ({ cursor, at, type, worker, instance, text, data }: JournalRecord): EventRecord =>
  ({ cursor: String(cursor), at, type, worker, instance, text, data }) as EventRecord;

async function cursorOf(journal: Journal, text: string): Promise<number> {
  if (!/^\d{1,15}$/.test(text))
    throw problem({ code: 'usage', message: `\`${text.slice(0, 40)}\` is no cursor; expected one that an event carries, a number` });
  const newest = await journal.newest();
  if (Number(text) <= newest) return Number(text);
  throw problem({
    code: 'usage',
    message: `the cursor ${text} is of no event yet: the newest one of this agent has ${newest}`,
    hint: 'it may be of another agent, or of a store that was set aside since; read from the beginning with `ostler events --since 0`',
  });
}
