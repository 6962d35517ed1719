import type { z } from 'zod';
import type { AgentLogger } from '../base/logger.ts';
import { problem } from '../base/problem.ts';
import { type ErrorAnswer, errorAnswer, usage } from './answer.ts';

/** Thrown for a request that is not understood. */
class Refused extends Error {
  readonly answer: ErrorAnswer;
  constructor(answer: ErrorAnswer) {
    super(answer.body.message);
    this.answer = answer;
  }
}

/** Checks what came in, and tells errors as the wire has them. */
export class Problems {
  readonly #log: AgentLogger;

  constructor(log: AgentLogger) {
    this.#log = log;
  }

  read<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
    const read = schema.safeParse(value);
    if (read.success) return read.data;
    throw new Refused(usage(read.error.issues, what));
  }

  worker(name: string, label: RegExp): string {
    if (label.test(name)) return name;
    throw problem({ code: 'worker-unknown', message: `\`${name.slice(0, 80)}\` is no name of a worker`, hint: '`ostler ps` lists them' });
  }

  answer(error: unknown): ErrorAnswer {
    if (error instanceof Refused) return error.answer;
    const known = errorAnswer(error);
    if (known !== null) return known;
    this.#log.error({ error: error instanceof Error ? error.stack : String(error) }, 'a request failed');
    return { status: 500, body: { code: 'internal', message: error instanceof Error ? error.message : String(error), exitCode: 1 } };
  }
}
