export { keepCollected } from './collect.ts';
export { findingsOf } from './desired.ts';
export { forbiddenHere } from './policing.ts';
export { portTroubles } from './ports.ts';
export { generationDigest, type Plan, Reconciler } from './reconciler.ts';
