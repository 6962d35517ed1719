import type { StoreFailure, StoreFailureCode } from './store.ts';

const brand = Symbol.for('@ostler/core/StoreFailure/v1');

/**
 * An Error that carries a {@link StoreFailure}: reject with what this returns. `full`: no room, nothing of the batch is true.
 * `io`: the disk or the store's own thread failed, or a row does not fit its column; nothing of the batch is announced. `closed`: after close().
 */
export function storeFailure(code: StoreFailureCode, message: string, cause?: unknown): Error & StoreFailure {
  const error = new Error(message, cause === undefined ? undefined : { cause }) as Error & StoreFailure;
  error.name = 'StoreFailure';
  Object.assign(error, { code });
  Object.defineProperty(error, brand, { value: true, enumerable: false });
  return error;
}

export function isStoreFailure(value: unknown): value is Error & StoreFailure {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[brand] === true;
}
