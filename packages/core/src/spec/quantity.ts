import { z } from 'zod';

const durationUnits = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const sizeUnits = { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;

const durationExpected = 'expected a duration with its unit, such as `500ms`, `10s`, `5m`, `2h` or `1d`';
const sizeExpected = 'expected a size with its unit, such as `512MiB`, `4GiB` or `10MB`';

/** About 285 years: what fits into a timer's arithmetic without loss. */
const longestMs = 9e12;

/** `1m30s` -> 90000; null if it is no duration. Units are `ms s m h d`, the larger first; a fraction is allowed (`0.5s`). */
export function parseDuration(text: string): number | null {
  if (text.length > 40 || !/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(text)) return null;
  let total = 0;
  let last = Number.POSITIVE_INFINITY;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    const factor = durationUnits[unit as keyof typeof durationUnits];
    if (factor >= last) return null;
    last = factor;
    total += Number(amount) * factor;
  }
  const rounded = Math.round(total);
  return rounded <= longestMs ? rounded : null;
}

/** `512MiB` -> 536870912; null if it is no size. `KiB MiB GiB TiB` count in 1024, `kB MB GB TB` in 1000. */
export function parseSize(text: string): number | null {
  const found = /^(\d+(?:\.\d+)?) ?(B|[kK]B|MB|GB|TB|KiB|MiB|GiB|TiB)$/.exec(text);
  if (!found || text.length > 40) return null;
  const bytes = Math.round(Number(found[1]) * sizeUnits[found[2] as keyof typeof sizeUnits]);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** A duration in a file; ms in the result. */
export const duration = () =>
  z
    .string({ error: durationExpected })
    .transform((text, context) => {
      const ms = parseDuration(text);
      if (ms !== null) return ms;
      context.addIssue({ code: 'custom', message: durationExpected });
      return z.NEVER;
    })
    .meta({ description: 'A duration with its unit', examples: ['500ms', '10s', '5m', '2h', '1d'] });

/** A duration that is not nothing. */
export const someTime = () => duration().refine((ms) => ms > 0, { error: 'expected more than 0s' });

/** A size in a file; bytes in the result. */
export const size = () =>
  z
    .string({ error: sizeExpected })
    .transform((text, context) => {
      const bytes = parseSize(text);
      if (bytes !== null && bytes > 0) return bytes;
      context.addIssue({ code: 'custom', message: sizeExpected });
      return z.NEVER;
    })
    .meta({ description: 'A size with its unit', examples: ['512MiB', '4GiB', '10MB'] });
