import { Counter, type Position } from './position.ts';
import type { Stamp, Stamped } from './stamp.ts';

/** The last messages of a log as they go by, and where its last lines begin. */
export class TailWindow {
  readonly #wanted: number;
  readonly #counter = new Counter();
  /** Where lines begin, the last ones only. */
  readonly #starts: Position[] = [];
  /** Streams whose last message ended no line. */
  readonly #unended = new Set<Stamped['stream']>();
  #last: Position | null = null;
  messages = 0;
  first: Stamp | null = null;
  /** Messages of the first one's stamp. */
  ofFirst = 0;

  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  take({ stream, stamp, bytes }: Stamped): void {
    const position = this.#counter.next(stamp);
    this.messages += 1;
    this.first ??= stamp;
    if (stamp === this.first) this.ofFirst += 1;
    if (!this.#unended.has(stream)) this.#starts.push({ stamp, count: position.count - 1 });
    // One more than is wanted: whether the first of all is a beginning is known only when there is nothing before it.
    if (this.#starts.length > this.#wanted + 1) this.#starts.shift();
    if (bytes.at(-1) === 10) this.#unended.delete(stream);
    else this.#unended.add(stream);
    this.#last = position;
  }

  /** Before the last lines; `null` = there are not so many in it. `isWhole`: nothing is before the first message. */
  place(isWhole: boolean): Position | null {
    if (this.#wanted === 0) return this.#last;
    const enough = this.#starts.length > this.#wanted || isWhole;
    return enough ? (this.#starts.at(-Math.min(this.#wanted, this.#starts.length)) ?? null) : null;
  }
}
