import type { Gpu } from '@ostler/sdk';
import type { Flavour } from '../flavour.ts';

/** `chosen`: what admission chose, by UUID; else what the worker names; else a count. Podman takes GPUs by CDI only. */
export function gpuRequests({ count, ids }: Gpu, chosen: readonly string[], flavour: Flavour) {
  const named = chosen.length > 0 ? chosen : ids;
  if (flavour === 'podman') {
    // CDI knows no count: the first ones, by the numbers that NVIDIA's specification has for them.
    const counted = typeof count === 'number' ? Array.from({ length: count }, (_, i) => String(i)) : ['all'];
    const all = named.length > 0 ? named : counted;
    return [{ Driver: 'cdi', DeviceIDs: all.map((id) => `nvidia.com/gpu=${id}`) }];
  }
  const what = named.length > 0 ? { DeviceIDs: named } : { Count: count === 'all' || count === null ? -1 : count };
  return [{ Driver: '', ...what, Capabilities: [['gpu']] }];
}
