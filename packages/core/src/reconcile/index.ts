export { type Desiring, findingsOf } from './desired.ts';
export { type ApplyOptions, generationDigest, type Plan, presentOf, Reconciler } from './reconciler.ts';
