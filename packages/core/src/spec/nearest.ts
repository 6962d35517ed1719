import { closest, distance } from 'fastest-levenshtein';

/** The known name that a wrong one most likely means, or null. At most a third of its letters may differ, or two (swapped letters count twice). */
export function nearest(wrong: string, known: readonly string[]): string | null {
  if (known.length === 0 || wrong === '') return null;
  const sameLetters = known.find((name) => plain(name) === plain(wrong)) ?? known.find((name) => sorted(name) === sorted(wrong));
  if (sameLetters) return sameLetters;
  const best = closest(
    wrong.toLowerCase(),
    known.map((name) => name.toLowerCase()),
  );
  const found = known.find((name) => name.toLowerCase() === best);
  return found && distance(wrong.toLowerCase(), best) <= Math.max(wrong.length < 4 ? 1 : 2, Math.floor(wrong.length / 3)) ? found : null;
}

/** `depends_on`, `depends-on` and `dependsOn` are one. */
const plain = (name: string): string => name.toLowerCase().replaceAll(/[-_]/g, '');

/** Swapped letters: `wbe` is `web`. */
const sorted = (name: string): string => [...plain(name)].sort().join('');
