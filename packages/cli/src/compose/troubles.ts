import type { Place, WireProblem } from '@ostler/core';
import { Failure } from '../failure.ts';

const most = 50;

/** Gathers what is wrong in Compose files, to be told in one go. */
export class Troubles {
  readonly #found: WireProblem[] = [];
  readonly #nearest: (wrong: string, known: readonly string[]) => string | null;

  constructor(nearest: (wrong: string, known: readonly string[]) => string | null) {
    this.#nearest = nearest;
  }

  add(message: string, place: Place | undefined, hint?: string): void {
    const isKnown = this.#found.some((one) => one.message === message && one.place?.line === place?.line && one.place?.file === place?.file);
    if (!isKnown) this.#found.push({ code: 'compose-file-invalid', message, place, hint });
  }

  /** A word that Compose does not have. */
  unknown(word: string, where: string, known: readonly string[], place: Place): void {
    const near = this.#nearest(word, known);
    const listed = known.length <= 15 ? `Known here: ${known.join(', ')}.` : 'Fields of your own begin with `x-`.';
    this.add(`unknown field \`${word}\`${where === '' ? '' : ` in ${where}`}`, place, near === null ? listed : `Did you mean \`${near}\`?`);
  }

  /** What a name that does not exist may have been meant to be, as a sentence. */
  meant(wrong: string, known: readonly string[], what: string): string {
    const near = this.#nearest(wrong, known);
    if (near !== null) return `Did you mean \`${near}\`?`;
    return known.length === 0 ? `There are no ${what}.` : `There ${known.length === 1 ? 'is' : 'are'}: ${known.slice(0, 20).join(', ')}.`;
  }

  /** Throws the first in the order of the files, the rest as its `others`. */
  throwIfAny(): void {
    if (this.#found.length === 0) return;
    const files = [...new Set(this.#found.map(({ place }) => place?.file))];
    const [first, ...others] = this.#found.toSorted(
      (a, b) =>
        files.indexOf(a.place?.file) - files.indexOf(b.place?.file) ||
        (a.place?.line ?? 0) - (b.place?.line ?? 0) ||
        (a.place?.column ?? 0) - (b.place?.column ?? 0),
    );
    const shown = others.slice(0, most - 1);
    const rest = others.length - shown.length;
    if (rest > 0) shown.push({ code: 'compose-file-invalid', message: `and ${rest} more` });
    throw new Failure({ ...first!, ...(shown.length > 0 ? { others: shown } : {}) }, 2);
  }
}

/** One problem that nothing can be read after. */
export const trouble = (message: string, place?: Place, hint?: string): Failure => new Failure({ code: 'compose-file-invalid', message, place, hint }, 2);
