export { type DataDir, type DataDirOptions, openDataDir } from './data-dir.ts';
export { isStoreFailure, storeFailure } from './failure.ts';
export { keyedDigest, keyedHmac } from './keyed-digest.ts';
export type * from './records.ts';
export { openStore, type StoreOptions } from './sqlite.ts';
export type * from './store.ts';
