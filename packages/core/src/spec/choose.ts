import type { Json } from '@ostler/sdk';
import { isMap } from './overlay.ts';
import type { Registry } from './registry.ts';

/** The runtimes that a worker would take, best first. Says nothing about whether they exist. */
export function preferenceOf(written: Json, registry: Registry): readonly string[] {
  const runtime = isMap(written) ? written['runtime'] : undefined;
  if (typeof runtime === 'string') return [runtime];
  if (Array.isArray(runtime)) return runtime.filter((name): name is string => typeof name === 'string');
  const wantsImage = isMap(written) && ['image', 'build', 'imageChain'].some((key) => key in written);
  if (!wantsImage) return ['native'];
  const containers = [...registry.runtimes].filter(([, runtime]) => runtime.class === 'container').map(([name]) => name);
  return containers.length > 0 ? containers : ['docker'];
}

/**
 * The runtime of a worker: the one it has, as long as the file still names it and it is installed; else the first of the list that this host
 * has; null if it has none. `available`: installed and, if that is known, present on the host; being down for the moment counts as present.
 */
export function chooseRuntime(preference: readonly string[], available: Iterable<string>, current: string | null): string | null {
  const there = new Set(available);
  if (current !== null && preference.includes(current) && there.has(current)) return current;
  return preference.find((name) => there.has(name)) ?? null;
}
