import type { Finding, WorkerSpec } from './spec.ts';

/**
 * One `refused` finding for every field in `spec.more` that `honours` does not name: a field that a runtime cannot honour is an error, not
 * silence. For use in a driver's `check()`.
 */
export function unhonoured(spec: WorkerSpec, runtime: string, honours: readonly string[] = []): readonly Finding[] {
  return Object.keys(spec.more)
    .filter((field) => !honours.includes(field))
    .map((field) => ({
      level: 'refused',
      field,
      text: `${field} is not something that the ${runtime} runtime can honour; remove it, or put it into the block of a runtime that can`,
    }));
}
