import { split } from 'shlex';
import { z } from 'zod';
import { looseText } from './text.ts';

const expected = 'expected a list such as [node, server.js], or one text that is split into words';

/** A command: a list, or a text split into words as a shell would split it, without running one. */
export const command = () =>
  z.union(
    [
      z.string().transform((text, context) => {
        try {
          const words = split(text);
          if (words.length > 0 && words[0] !== '') return words;
          context.addIssue({ code: 'custom', message: `${expected}; it is empty` });
        } catch {
          context.addIssue({ code: 'custom', message: 'a quote or a backslash at the end is not closed' });
        }
        return z.NEVER;
      }),
      z
        .array(looseText())
        .min(1, { error: `${expected}; it is empty` })
        .max(4096, { error: 'more than 4096 words' })
        .refine((words) => words[0] !== '', { error: 'the first word is empty; it names the program' }),
    ],
    { error: expected },
  );
