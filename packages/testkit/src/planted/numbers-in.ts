import type { Json } from '@ostler/sdk';

/** Every whole number in the data, also where it is written as text. */
export function numbersIn(data: Json): readonly number[] {
  if (typeof data === 'number') return Number.isInteger(data) ? [data] : [];
  if (typeof data === 'string') return /^\d{1,15}$/.test(data) ? [Number(data)] : [];
  if (typeof data !== 'object' || data === null) return [];
  return Object.values(data).flatMap((inner: Json) => numbersIn(inner));
}
