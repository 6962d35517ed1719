import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';

/** Names that are looked up at the same time. */
const maxAtOnce = 2;

type Found = (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void;
type Ask = (name: string, options: LookupOptions & { readonly all: true }, found: Found) => void;

/**
 * Looks up the names of hosts for probes. The system's resolver cannot be stopped, takes as long as it likes and blocks one of the few threads that the
 * agent's files need too: so each name is looked up once at a time, few at once, and who asks meanwhile is told with the others.
 */
export class Names {
  readonly #ask: Ask;
  readonly #waiting = new Map<string, Found[]>();
  readonly #queue: string[] = [];
  #underWay = 0;

  constructor(ask: Ask = lookup as Ask) {
    this.#ask = ask;
  }

  /** For `lookup` of a socket. */
  readonly lookup: LookupFunction = (name, options, done) => {
    const asked = this.#waiting.get(name);
    const found: Found = (error, addresses) => {
      const fitting = options.family === 4 || options.family === 6 ? addresses.filter(({ family }) => family === options.family) : addresses;
      const [first] = fitting;
      if (error !== null || first === undefined) done(error ?? Object.assign(new Error('there is none'), { code: 'ENOTFOUND' }), '', 0);
      else if (options.all) done(null, [...fitting]);
      else done(null, first.address, first.family);
    };
    if (asked !== undefined) {
      asked.push(found);
      return;
    }
    this.#waiting.set(name, [found]);
    this.#queue.push(name);
    this.#next();
  };

  #next(): void {
    if (this.#underWay === maxAtOnce) return;
    const name = this.#queue.shift();
    if (name === undefined) return;
    this.#underWay++;
    this.#ask(name, { all: true }, (error, addresses) => {
      this.#underWay--;
      const waiting = this.#waiting.get(name) ?? [];
      this.#waiting.delete(name);
      for (const found of waiting) found(error, addresses ?? []);
      this.#next();
    });
  }
}

/** Of this process, which has one resolver. */
export const names = new Names();
