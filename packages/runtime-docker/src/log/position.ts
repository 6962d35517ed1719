import { refusal } from '../errors.ts';
import type { Stamp } from './stamp.ts';

/** After so many messages of one stamp. 0 = before the first of them. */
export interface Position {
  readonly stamp: Stamp;
  readonly count: number;
}

export const formatCursor = ({ stamp, count }: Position): string => `${stamp}/${String(count)}`;

/** Throws `invalid` for a text that {@link formatCursor} did not make. */
export function parseCursor(text: string): Position {
  const [, stamp, count] = /^(\d{1,12}\.\d{9})\/(\d{1,9})$/.exec(text) ?? [];
  if (stamp === undefined || count === undefined) throw refusal('invalid', `"${text.slice(0, 80)}" is no log cursor of a container`);
  return { stamp, count: Number(count) };
}

const remembered = 4096;

/**
 * Numbers the messages of each stamp, in the order of the log. That order is not quite that of the stamps: the pieces of a long line all carry the time of
 * its beginning.
 */
export class Counter {
  readonly #counts = new Map<Stamp, number>();

  next(stamp: Stamp): Position {
    const count = (this.#counts.get(stamp) ?? 0) + 1;
    this.#counts.set(stamp, count);
    if (this.#counts.size > remembered)
      for (const oldest of this.#counts.keys()) {
        this.#counts.delete(oldest);
        break;
      }
    return { stamp, count };
  }
}
