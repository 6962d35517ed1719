import type { Json } from '@ostler/sdk';
import { Text } from './file/text.ts';

/** A value of the host file that is written. A plain string is meant as it stands; a {@link Text} may hold variables. */
export type Out = Text | string | number | boolean | readonly Out[] | OutMap;
export type OutMap = ReadonlyMap<string, Out>;

export const isOutMap = (out: Out | undefined): out is OutMap => out instanceof Map;
export const isOutList = (out: Out | undefined): out is readonly Out[] => Array.isArray(out);

/** A map of what is there: nothing, and empty lists and maps, are left out. */
export function record(fields: Readonly<Record<string, Out | null | undefined>>): OutMap {
  return new Map(Object.entries(fields).filter((entry): entry is [string, Out] => !isNothing(entry[1])));
}

export const isNothing = (out: Out | null | undefined): boolean =>
  out === null || out === undefined || (isOutMap(out) && out.size === 0) || (isOutList(out) && out.length === 0);

/** With the variables as they are now. */
export function jsonOf(out: Out): Json {
  if (out instanceof Text) return out.now;
  if (isOutList(out)) return out.map(jsonOf);
  if (isOutMap(out)) return Object.fromEntries([...out].map(([key, value]) => [key, jsonOf(value)]));
  return out as string | number | boolean;
}

/** Every text in it. */
export function textsIn(out: Out): readonly Text[] {
  if (out instanceof Text) return [out];
  if (isOutList(out)) return out.flatMap(textsIn);
  return isOutMap(out) ? [...out.values()].flatMap(textsIn) : [];
}

/** A copy without what stands at the path. */
export function withoutPath(out: OutMap, [step, ...rest]: readonly PropertyKey[]): OutMap {
  const copy = new Map(out);
  const inner = copy.get(String(step));
  if (rest.length > 0 && isOutMap(inner)) {
    const smaller = withoutPath(inner, rest);
    if (smaller.size > 0) copy.set(String(step), smaller);
    else copy.delete(String(step));
  } else if (rest.length > 0 && isOutList(inner) && typeof rest[0] === 'number') {
    const smaller = inner.filter((_, index) => index !== rest[0]);
    if (smaller.length > 0) copy.set(String(step), smaller);
    else copy.delete(String(step));
  } else copy.delete(String(step));
  return copy;
}
