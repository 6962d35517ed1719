import { runtimeFailure } from '@ostler/sdk';
import { segmentIndex, segmentSuffix } from './segment.ts';
import type { Position } from './source.ts';

/** `out:aaaaab:123/err:aaaaaa:0` or `log:aaaaab:123:4567`: the place in each series AFTER the record, with its total where that is counted. */
export function formatCursor(places: ReadonlyMap<string, Position>): string {
  return [...places]
    .map(([prefix, { segment, offset, total }]) => `${prefix}:${segmentSuffix(segment)}:${offset}${prefix === 'log' ? `:${total ?? 0}` : ''}`)
    .join('/');
}

/** Throws `invalid` for a text that {@link formatCursor} did not make for these series. */
export function parseCursor(text: string, prefixes: readonly string[]): ReadonlyMap<string, Position> {
  const places = new Map<string, Position>();
  for (const part of text.split('/')) {
    const [, prefix, suffix, offset, total] = /^(out|err|log):([a-z]{6}):(\d{1,15})(?::(\d{1,15}))?$/.exec(part) ?? [];
    if (prefix !== undefined && suffix !== undefined)
      places.set(prefix, { segment: segmentIndex(suffix), offset: Number(offset), ...(total === undefined ? {} : { total: Number(total) }) });
  }
  if (places.size !== prefixes.length || !prefixes.every((prefix) => places.has(prefix)))
    throw runtimeFailure({ code: 'invalid', outcome: 'no', retryable: false, message: `"${text.slice(0, 80)}" is no log cursor of this instance` });
  return places;
}
