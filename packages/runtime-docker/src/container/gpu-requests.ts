import type { Gpu } from '@ostler/sdk';
import type { Flavour } from '../flavour.ts';

/** `chosen`: what admission chose, by UUID; else what the worker names; else a count. Podman takes GPUs by CDI only. */
export function gpuRequests({ count, ids }: Gpu, chosen: readonly string[], flavour: Flavour) {
  const named = chosen.length > 0 ? chosen : ids;
  if (flavour === 'podman') {
    const all = named.length > 0 ? named : ['all'];
    return [{ Driver: 'cdi', DeviceIDs: all.map((id) => `nvidia.com/gpu=${id}`) }];
  }
  const what = named.length > 0 ? { DeviceIDs: named } : { Count: count === 'all' || count === null ? -1 : count };
  return [{ Driver: '', ...what, Capabilities: [['gpu']] }];
}
