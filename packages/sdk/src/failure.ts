const brand = Symbol.for('@ostler/sdk/RuntimeFailure/v1');

/** Every code a driver may throw; each has a paragraph in docs/errors.md. */
export const runtimeFailureCodes = [
  'invalid',
  'unsupported',
  'not-found',
  'not-running',
  'conflict',
  'unauthorized',
  'build-failed',
  'no-space',
  'no-resources',
  'engine-down',
  'engine-hung',
  'timeout',
  'aborted',
  'internal',
] as const;
export type RuntimeFailureCode = (typeof runtimeFailureCodes)[number];

/**
 * The one error of a driver, made by {@link runtimeFailure} and recognised by {@link isRuntimeFailure}: by brand, not instanceof, for two
 * copies of this package may be installed. It crosses processes as data.
 *
 * `outcome`: `no` only if it certainly was not done (refused locally, 4xx); `unknown` = sent, no reply seen (abort, deadline, reset, 5xx).
 * After `unknown` core's ONLY next call for that worker is `inspect({ ref, handle: null })` until it answers; `gone` then means `start()`
 * again with the SAME ref, never a new one: a frozen engine may carry the first request out later, and only the name stops the twin.
 * Reads are never `unknown`.
 */
export interface RuntimeFailure {
  readonly code: RuntimeFailureCode;
  readonly outcome: 'no' | 'yes' | 'unknown';
  readonly retryable: boolean;
  /** What, why, what now. No secrets. */
  readonly message: string;
  readonly cause?: string | undefined;
}

/** An Error that carries a {@link RuntimeFailure}: throw what this returns. */
export function runtimeFailure(failure: RuntimeFailure): Error & RuntimeFailure {
  const error = new Error(failure.message) as Error & RuntimeFailure;
  error.name = 'RuntimeFailure';
  const { code, outcome, retryable, cause } = failure;
  Object.assign(error, { code, outcome, retryable }, cause === undefined ? {} : { cause });
  Object.defineProperty(error, brand, { value: true, enumerable: false });
  return error;
}

/** True for what {@link runtimeFailure} made, in any copy of this package. */
export function isRuntimeFailure(value: unknown): value is Error & RuntimeFailure {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true;
}

/** The plain data of a failure, for the journal and for other processes. */
export function failureData(failure: RuntimeFailure): RuntimeFailure {
  const { code, outcome, retryable, message, cause } = failure;
  return { code, outcome, retryable, message, ...(cause === undefined ? {} : { cause }) };
}
