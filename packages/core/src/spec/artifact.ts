import type { Artifact } from '@ostler/sdk';

/** Of a generation whose runtime could not be asked when it was applied: resolved, and then pinned, when it is first prepared. */
export const unresolved: Artifact = { digest: 'unresolved', inputs: {}, data: null };

/** Of one that was taken over after the store was lost: whatever runs counts as it. */
export const unknownArtifact: Artifact = { digest: 'unknown', inputs: {}, data: null };

/** Says nothing about what would run, so that it is no difference to anything. */
export const isOpen = ({ digest }: Artifact): boolean => digest === unresolved.digest || digest === unknownArtifact.digest;
