import { z } from 'zod';

/** A DNS label: what a worker may be called. */
export const workerName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

const time = z.iso.datetime({ offset: true, error: 'expected a time such as 2030-01-31T12:00:00Z' });
const flag = z.enum(['0', '1', 'true', 'false'], { error: 'expected 0 or 1' }).transform((text) => text === '1' || text === 'true');
const whole = z
  .string()
  .regex(/^\d{1,9}$/, { error: 'expected a whole number' })
  .transform(Number);

export const cursor = z.string().regex(/^\d{1,15}$/, { error: 'expected a cursor that an event carries, a number' });

export const noQuery = z.strictObject({});
export const whyQuery = z.strictObject({ format: z.enum(['json', 'text']).optional() });
export const logsQuery = z.strictObject({ follow: flag.optional(), tail: whole.optional(), since: time.optional(), instance: z.string().max(64).optional() });
export const runQuery = z.strictObject({ run: whole.optional(), after: z.string().max(64).optional(), wait: whole.optional() });
export const eventsQuery = z.strictObject({
  after: cursor.optional(),
  since: time.optional(),
  worker: z.string().regex(workerName, { error: 'expected the name of a worker' }).optional(),
  limit: whole.optional(),
});
export const execQuery = z.strictObject({
  argv: z.string().transform((text, context) => {
    try {
      const words = z.array(z.string().max(131_072)).min(1).max(4096).safeParse(JSON.parse(text));
      if (words.success) return words.data;
    } catch {}
    context.addIssue({ code: 'custom', message: 'expected a JSON list of texts, the command' });
    return z.NEVER;
  }),
  tty: flag.optional(),
  user: z.string().max(256).optional(),
});
