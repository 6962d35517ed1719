import type { Json } from '@ostler/sdk';
import type { JournalEntry } from '../store/index.ts';

/** Of a text, in UTF-16 units: what drivers and plugins say may be the output of a whole build. */
const mostText = 2000;
const mostItems = 200;
const mostDepth = 8;

/** The entry as it is kept: no text and no list of it longer than is read, so that a number of entries is also a bound in bytes. */
export function bounded(entry: JournalEntry): JournalEntry {
  const text = cut(entry.text);
  const data = boundedData(entry.data, 0);
  return text === entry.text && data === entry.data ? entry : { ...entry, text, data };
}

function boundedData(data: Json, depth: number): Json {
  if (typeof data === 'string') return cut(data);
  if (typeof data !== 'object' || data === null) return data;
  if (depth >= mostDepth) return '…';
  if (Array.isArray(data)) {
    const kept = data.slice(0, mostItems).map((item) => boundedData(item, depth + 1));
    return data.length > mostItems ? [...kept, `… and ${data.length - mostItems} more`] : kept;
  }
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, boundedData(value as Json, depth + 1)]));
}

const cut = (text: string): string => (text.length <= mostText ? text : `${text.slice(0, mostText - 1).toWellFormed()}…`);
