import type { Subject } from './subject.ts';

// What of a worker must be seen before anything is decided on it. An engine may never be back.

/** The phases in which one instance has ended and the next is not begun. */
const betweenInstances: ReadonlySet<string> = new Set(['idle', 'waiting', 'preparing', 'backoff', 'done', 'failed']);

/** Its last instance has ended for sure, and no start of it may still come. */
export function isNowhere({ life: { phase, mayCome, instance }, instances }: Subject): boolean {
  const record = instance === null ? null : instances.get(instance);
  return betweenInstances.has(phase) && !mayCome && record?.state !== 'running';
}

/** It has ended on a runtime that does not answer. On one that does, it may have been started by hand. */
export function isLeftBehind(of: Subject): boolean {
  return isNowhere(of) && of.services.runtime(of.runtimeName() ?? '')?.isUp() !== true;
}

/** Whether a runtime that cannot be asked hides it: not where it has left that, or is about to. */
export function isHiddenBy(of: Subject, runtime: string): boolean {
  if (runtime !== (of.runtimeName() ?? runtime)) return false;
  return !isLeftBehind(of) || of.generation()?.runtime === runtime;
}
