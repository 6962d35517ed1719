import assert from 'node:assert/strict';
import { isRuntimeFailure, type RuntimeFailure, runtimeFailureCodes } from '@ostler/sdk';

/** The failure that a driver threw; anything else that it threw fails the case. */
export function failureOf(thrown: unknown): RuntimeFailure {
  assert.ok(
    isRuntimeFailure(thrown),
    `the driver threw something that is no RuntimeFailure: ${thrown instanceof Error ? (thrown.stack ?? '') : String(thrown)}`,
  );
  assert.ok(runtimeFailureCodes.includes(thrown.code), `code ${String(thrown.code)} is not one of the contract's`);
  assert.ok(['no', 'yes', 'unknown'].includes(thrown.outcome), `outcome ${String(thrown.outcome)} is not one of the contract's`);
  assert.equal(typeof thrown.retryable, 'boolean');
  assert.notEqual(thrown.message, '');
  return thrown;
}
