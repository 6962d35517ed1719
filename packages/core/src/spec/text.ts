import { z } from 'zod';

/** A text that is not empty. */
export const text = (expected = 'a text') =>
  z
    .string({ error: `expected ${expected}` })
    .min(1, { error: `expected ${expected}; it is empty` })
    .max(65_536, { error: 'longer than 64 KiB' });

/** A text where a number or true/false is as good: environment values, arguments, labels. The loader has refused those that would not come back as written. */
export const looseText = (expected = 'a text, a number, true or false') =>
  z
    .union([z.string(), z.number(), z.boolean()], { error: `expected ${expected}` })
    .transform((value) => String(value))
    .refine((value) => !value.includes('\0'), { error: 'a NUL character cannot be in it' });

export const flag = () => z.boolean({ error: 'expected true or false' });

export const count = (least = 0, most = 1_000_000) => {
  const error = `expected a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
};

/** One of a few words. */
export const word = <const W extends readonly [string, ...string[]]>(words: W) =>
  z.enum(words, { error: `expected one of ${words.map((one) => `\`${one}\``).join(', ')}` });

export const texts = (expected = 'a list of texts') => z.array(text(), { error: `expected ${expected}` }).max(1000, { error: 'more than 1000 items' });

/** NAME of an environment variable, as POSIX has it, but lower case and dots too: some programs want them. */
export const envName = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

export const env = () =>
  z.record(
    z.string().regex(envName, { error: 'expected a name of letters, digits and `_`, not a digit first' }),
    looseText('a text, a number, true or false (for nothing: "")'),
    {
      error: 'expected a map of names and values',
    },
  );

/** DNS label: what a worker, an image, a volume is called. */
export const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
export const labelExpected = 'expected lower-case letters, digits and `-`, at most 63, neither first nor last a `-`';
