import type { WireProblem } from '@ostler/core';

/** What a verb throws for a person: the problem as the API says it, and what the command ends with. */
export class Failure extends Error {
  readonly problem: WireProblem;
  readonly exitCode: number;

  constructor(problem: WireProblem, exitCode = problem.exitCode ?? 1) {
    super(problem.message);
    this.name = 'Failure';
    this.problem = problem;
    this.exitCode = exitCode;
  }
}

/** Wrong usage: exit 2. */
export const usage = (message: string, hint?: string): Failure => new Failure({ code: 'usage', message, exitCode: 2, ...(hint === undefined ? {} : { hint }) });

/** `file:line:column: message`, what to do on a line of its own, then the other problems. */
export function problemText(problem: WireProblem): string {
  const { place, message, hint, others } = problem;
  const lines = [`${place ? `${place.file}:${place.line}:${place.column}: ` : ''}${message}`];
  if (hint) lines.push(`  ${hint}`);
  for (const other of others ?? []) lines.push(problemText(other));
  return lines.join('\n');
}

/** What core's problems end a command with, where it is not 1. A test holds this equal to core's own table, which a client does not load. */
const exitCodes: Readonly<Record<string, number>> = {
  'host-file-missing': 2,
  'host-file-ambiguous': 2,
  'host-file-empty': 2,
  'host-file-syntax': 2,
  'host-file-invalid': 2,
  'host-file-untrusted': 2,
  'compose-file-invalid': 2,
  'plugin-not-installed': 2,
  'plugin-not-a-plugin': 2,
  'plugin-api-version': 2,
  'plugin-name-taken': 2,
  'plugin-config-invalid': 2,
  'runtime-unknown': 2,
  'no-agent': 3,
  'not-finished-in-time': 4,
  usage: 2,
};

/** Anything that was thrown, as a problem with its exit code. Problems of core are recognised by what they carry. */
export function problemOf(error: unknown): WireProblem & { readonly exitCode: number } {
  if (error instanceof Failure) return { ...error.problem, exitCode: error.exitCode };
  if (error instanceof Error && error.name === 'Problem' && 'code' in error && typeof error.code === 'string') {
    const { code, message, place, hint, others } = error as Error & WireProblem;
    return { code, message, place, hint, others, exitCode: exitCodes[code] ?? 1 };
  }
  const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'internal', message: `ostler failed in a way it should not: ${told}`, exitCode: 1 };
}
