export { findingsOf } from './desired.ts';
export { generationDigest, type Plan, Reconciler } from './reconciler.ts';
