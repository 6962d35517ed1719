import type { Handle, InstanceRef, Json, Target } from '@ostler/sdk';
import type { ContainerJson, ListedJson } from '../engine/json.ts';
import { markerVolume } from '../engine/store.ts';
import { refusal } from '../errors.ts';

/** Labels of each container of ours. */
export const labels = {
  agent: 'ostler.agent',
  worker: 'ostler.worker',
  generation: 'ostler.generation',
  instance: 'ostler.instance',
  store: 'ostler.store',
  /** Of one that shares a network: where it listens, as `80/tcp,53/udp`. */
  ports: 'ostler.ports',
} as const;

export function labelsOf(ref: InstanceRef, store: string): Readonly<Record<string, string>> {
  return {
    [labels.agent]: ref.agent,
    [labels.worker]: ref.worker,
    [labels.generation]: ref.generation,
    [labels.instance]: ref.instance,
    [labels.store]: store,
  };
}

/** The engine lets a name be taken only once: that is what makes one ref one container. */
export function nameOf({ worker, instance }: InstanceRef): string {
  return `ostler-${worker}-${instance}`;
}

export function refOf(found: Readonly<Record<string, string>> | null): InstanceRef | null {
  const [agent, worker, generation, instance] = [labels.agent, labels.worker, labels.generation, labels.instance].map((name) => found?.[name]);
  if (agent === undefined || worker === undefined || generation === undefined || instance === undefined) return null;
  return { agent, worker, generation, instance };
}

/**
 * Labels alone are no proof: `docker commit` copies them into an image, and from there into other people's containers. The mount of the marker
 * volume is not copied.
 */
export function isOurs({ Mounts }: Pick<ListedJson, 'Mounts'> | Pick<ContainerJson, 'Mounts'>): boolean {
  return (Mounts ?? []).some((mount) => (typeof mount === 'string' ? mount === markerVolume.name : mount.Name === markerVolume.name));
}

export function handleTo(id: string): Handle {
  return { version: 1, data: { id } };
}

/** The container id in a handle of this version; `null` = look it up by its ref. */
export function idIn(handle: Handle | null): string | null {
  if (handle?.version !== 1) return null;
  const { id } = (handle.data ?? {}) as { readonly id?: Json };
  return typeof id === 'string' && /^[0-9a-f]{12,64}$/.test(id) ? id : null;
}

/** Whether a container is the one of this ref. Throws `conflict` when it is that instance in another generation. */
export function isOf(found: ContainerJson, { ref }: Target): boolean {
  const own = refOf(found.Config.Labels);
  if (own === null || !isOurs(found)) return false;
  if (own.agent !== ref.agent || own.worker !== ref.worker || own.instance !== ref.instance) return false;
  if (own.generation !== ref.generation)
    throw refusal('conflict', `instance ${ref.instance} of ${ref.worker} is of generation ${own.generation}, not ${ref.generation}`);
  return true;
}
