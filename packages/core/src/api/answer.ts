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
  if (!(error instanceof Error)) return null;
  // Only the web framework's own: an error of some engine's client may carry a status too, and means another thing by it.
  const { statusCode, code, message } = error as { readonly statusCode?: number; readonly code?: string; readonly message: string };
  if (code?.startsWith('FST_') && statusCode !== undefined && statusCode < 500) return usage(statusCode, message);
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

export const usage = (status: number, message: string): ErrorAnswer => ({ status, body: { code: 'usage', message, exitCode: problemCodes.usage } });

/** What is wrong with a query or a body, in one sentence. */
export function issuesText(issues: readonly z.core.$ZodIssue[], what: string): string {
  const told = issues.map((issue) => `${issue.path.length > 0 ? `${issue.path.join('.')}: ` : ''}${issue.message}`).join('; ');
  return `the ${what} is not what is expected: ${told.slice(0, 2000)}`;
}
