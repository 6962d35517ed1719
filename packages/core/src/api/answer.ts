import { isRuntimeFailure } from '@ostler/sdk';
import type { z } from 'zod';
import { isProblem, type Problem, type ProblemCode, problemCodes } from '../base/problem.ts';
import type { WireProblem } from './wire.ts';

export interface ErrorAnswer {
  readonly status: number;
  readonly body: WireProblem;
}

const statusByExit: Readonly<Record<number, number>> = { 1: 409, 2: 400, 3: 503, 4: 504, 5: 409 };
const statusByCode: Partial<Record<ProblemCode, number>> = { 'worker-unknown': 404, internal: 500 };

/** What any error is told as; `null` = it is a bug, told as `internal` and logged by the caller. */
export function errorAnswer(error: unknown): ErrorAnswer | null {
  if (isProblem(error)) return { status: statusByCode[error.code] ?? statusByExit[problemCodes[error.code]] ?? 500, body: wireOf(error) };
  if (isRuntimeFailure(error)) return { status: 502, body: { code: error.code, message: error.message, exitCode: 1 } };
  const { statusCode, message } = error as { readonly statusCode?: number; readonly message?: string };
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return { status: statusCode, body: { code: 'usage', message: message ?? 'not a request that is understood', exitCode: 2 } };
  return null;
}

function wireOf({ code, message, hint, place, others }: Problem): WireProblem {
  return {
    ...{ code, message, exitCode: problemCodes[code] },
    ...(hint === undefined ? {} : { hint }),
    ...(place === undefined ? {} : { place }),
    ...(others === undefined ? {} : { others: others.map(wireOf) }),
  };
}

/** What is wrong with a query or a body, in one sentence. */
export function usage(issues: readonly z.core.$ZodIssue[], what: string): ErrorAnswer {
  const told = issues.map((issue) => `${issue.path.length > 0 ? `${issue.path.join('.')}: ` : ''}${issue.message}`).join('; ');
  return { status: 400, body: { code: 'usage', message: `the ${what} is not what is expected: ${told}`, exitCode: 2 } };
}
