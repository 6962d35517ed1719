import type { z } from 'zod';
import type { AgentLogger } from '../base/logger.ts';
import { problem } from '../base/problem.ts';
import { type ErrorAnswer, errorAnswer, issuesText, usage } from './answer.ts';
import { workerName } from './query.ts';

/** Thrown for a request that is not understood. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What who waits is told when the agent ends first. */
export const agentEnds = (): Error => problem({ code: 'no-agent', message: 'the agent is ending', hint: 'ask again when it is back' });

/** Checks what came in, and tells errors as the wire has them. */
export class Problems {
  readonly #log: AgentLogger;

  constructor(log: AgentLogger) {
    this.#log = log;
  }

  read<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
    const read = schema.safeParse(value);
    if (read.success) return read.data;
    throw new Refused(400, issuesText(read.error.issues, what));
  }

  worker(name: string): string {
    if (workerName.test(name)) return name;
    throw problem({ code: 'worker-unknown', message: `\`${name.slice(0, 80)}\` is no name of a worker`, hint: '`ostler ps` lists them' });
  }

  answer(error: unknown): ErrorAnswer {
    if (error instanceof Refused) return usage(error.status, error.message);
    const known = errorAnswer(error);
    if (known !== null) return known;
    this.#log.error({ error: error instanceof Error ? error.stack : String(error) }, 'a request failed');
    return { status: 500, body: { code: 'internal', message: error instanceof Error ? error.message : String(error), exitCode: 1 } };
  }
}
