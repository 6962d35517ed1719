export { openDataDir } from './data-dir.ts';
export { isStoreFailure } from './failure.ts';
export { keyedDigest, keyedHmac } from './keyed-digest.ts';
export type * from './records.ts';
export { openStore } from './sqlite.ts';
export type * from './store.ts';
