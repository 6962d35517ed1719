const brand = Symbol.for('@ostler/sdk/SecretFailure/v1');

export const secretFailureCodes = ['missing', 'not-encrypted', 'no-key', 'tampered', 'unavailable'] as const;
export type SecretFailureCode = (typeof secretFailureCodes)[number];

/** Why a secret could not be revealed. The message names file, key path and the recipients that would do, never a value. */
export interface SecretFailure {
  readonly code: SecretFailureCode;
  readonly ref: string;
  readonly message: string;
}

/** An Error that carries a {@link SecretFailure}: throw what this returns. */
export function secretFailure(failure: SecretFailure): Error & SecretFailure {
  const error = Object.assign(new Error(failure.message), { code: failure.code, ref: failure.ref });
  error.name = 'SecretFailure';
  Object.defineProperty(error, brand, { value: true, enumerable: false });
  return error;
}

/** True for what {@link secretFailure} made, in any copy of this package. */
export function isSecretFailure(value: unknown): value is Error & SecretFailure {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true;
}
