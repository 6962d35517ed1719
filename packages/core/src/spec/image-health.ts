import type { ImageHealth, WorkerKind } from '@ostler/sdk';
import { healthTimings } from './health.ts';
import type { RuntimeClass } from './registry.ts';
import type { Flat } from './worker.ts';

/**
 * The check of the image counts where the worker asks for it, and for a service that names no other. A job often runs another program of its image, of
 * which that check says nothing. `null` = it does not count.
 */
export function imageHealthOf({ health = {} }: Flat, kind: WorkerKind, runtimeClass: RuntimeClass): ImageHealth | null {
  const isAsked = health.image === true;
  const isTaken = health.image !== false && kind === 'service' && runtimeClass !== 'process' && probesOf(health).length === 0;
  if (!isAsked && !isTaken) return null;
  return {
    isAsked,
    intervalMs: health.interval ?? null,
    timeoutMs: health.timeout ?? null,
    startPeriodMs: health.startPeriod ?? null,
    startIntervalMs: health.startInterval ?? null,
    retries: health.retries ?? null,
  };
}

/** Those that the agent asks itself, with their options as parsed. */
export const probesOf = (health: Readonly<Record<string, unknown>>): readonly (readonly [kind: string, options: unknown])[] =>
  Object.entries(health).filter(([kind, options]) => kind !== 'image' && !healthTimings.includes(kind) && options !== undefined && options !== false);
