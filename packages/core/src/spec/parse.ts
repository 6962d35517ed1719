import type { z } from 'zod';

/** zod writes and compiles a parser of its own for each schema at its first use: dear for a few workers (8 ms of a start), cheap for many. */
const interpretedParses = 60;
let parses = 0;

/** How the next value is to be parsed: interpreted at first, compiled once there are many. */
export function parseContext(): z.core.ParseContext<z.core.$ZodIssue> {
  parses += 1;
  return { jitless: parses <= interpretedParses };
}
