import { asFailure } from './calls.ts';

/** Failures whose cause is what a build or a set-up printed last, and how much of it is kept. */
const printsLines: ReadonlySet<string> = new Set(['build-failed', 'timeout']);
const mostLines = 20;

/** Why a preparation failed, as it is told: the cause beneath the message, or as the last lines that were printed. */
export function preparationFailure(error: unknown): { readonly code: string; readonly message: string; readonly lastLines?: readonly string[] } {
  const { code, message, cause } = asFailure(error, false);
  if (cause === undefined) return { code, message };
  return printsLines.has(code) ? { code, message, lastLines: cause.split('\n').slice(-mostLines) } : { code, message: `${message}\n${cause}` };
}
