import { z } from 'zod';

/** The worker's `native:` block: all it needs are the worker's own fields. */
export const options = z.strictObject({});

export type NativeOptions = z.output<typeof options>;
