const brand = Symbol.for('@ostler/core/Problem/v1');

/**
 * Every problem that a user can meet, with the exit code of the command that meets it. docs/errors.md has a heading for each, held equal by a
 * test. Names say what is wrong, not where in the code it was noticed.
 */
export const problemCodes = {
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
  'plugin-setup-failed': 1,
  'plugin-setup-timeout': 1,
  'runtime-unknown': 2,
  'secret-unavailable': 1,
  'agent-is-running': 1,
  'no-agent': 3,
  'data-dir-not-writable': 1,
  'data-dir-full': 1,
  'data-dir-cloned': 1,
  'store-newer': 1,
  'socket-in-use': 1,
  'plan-refused': 1,
  'policy-refused': 1,
  'remove-not-allowed': 1,
  'worker-unknown': 1,
  'run-refused': 1,
  'not-finished-in-time': 4,
  'change-failed': 1,
  usage: 2,
  internal: 1,
} as const satisfies Record<string, 1 | 2 | 3 | 4 | 5>;
export type ProblemCode = keyof typeof problemCodes;

/** A place in a file: line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong, as a person reads it. */
export interface Problem {
  readonly code: ProblemCode;
  /** What is wrong and why; what was expected. No secret values. */
  readonly message: string;
  readonly place?: Place | undefined;
  /** What to do now. */
  readonly hint?: string | undefined;
  /** Further problems of the same kind that were found in one go (all errors of a host file at once). */
  readonly others?: readonly Problem[] | undefined;
}

/** An Error that carries a {@link Problem}: throw what this returns. */
export function problem(data: Problem, cause?: unknown): Error & Problem {
  const error = new Error(data.message, cause === undefined ? undefined : { cause }) as Error & Problem;
  error.name = 'Problem';
  Object.assign(error, data);
  Object.defineProperty(error, brand, { value: true, enumerable: false });
  return error;
}

export function isProblem(value: unknown): value is Error & Problem {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true;
}

/** `file:line:column: message` and, on lines of their own, what to do and the other problems. */
export function problemText(data: Problem): string {
  const at = data.place ? `${data.place.file}:${data.place.line}:${data.place.column}: ` : '';
  const lines = [`${at}${data.message}`];
  if (data.hint) lines.push(`  ${data.hint}`);
  for (const other of data.others ?? []) lines.push(problemText(other));
  return lines.join('\n');
}
