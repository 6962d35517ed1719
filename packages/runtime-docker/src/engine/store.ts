import { randomUUID } from 'node:crypto';
import type { Call } from '@ostler/sdk';
import { refusal } from '../errors.ts';
import type { Connection } from './connection.ts';
import type { ListedJson } from './json.ts';

/**
 * A volume whose label names the engine's store. The id that an engine tells of itself outlives its data root; a volume does not. It is mounted,
 * read-only, into every container of ours, so that no prune takes it.
 */
export const markerVolume = { name: 'ostler-store', path: '/run/ostler-store' } as const;
const label = 'ostler.store';

interface VolumeJson {
  readonly Labels?: Readonly<Record<string, string>> | null;
}

/** The name of the engine's store; a store that has none yet gets one. */
export async function storeOf(engine: Connection, call: Call): Promise<string> {
  const { signal } = call;
  const what = 'read which store the engine has';
  const found = await engine.json<VolumeJson>({ path: `/volumes/${markerVolume.name}`, what, signal, accepts: [404] });
  if (found.status !== 404) return identityIn(found.value);
  // Gone while containers still know it (they were made by an engine that lost the volume): the store is the same.
  const known = await engine.json<readonly ListedJson[]>({
    path: '/containers/json',
    query: { all: true, filters: JSON.stringify({ label: [label] }) },
    what,
    signal,
  });
  const identity = known.value.map((one) => one.Labels?.[label]).find((one) => one !== undefined) ?? randomUUID();
  // Of two that make it at once, both get the first one's.
  const made = await engine.json<VolumeJson>({
    method: 'POST',
    path: '/volumes/create',
    body: { Name: markerVolume.name, Labels: { [label]: identity } },
    what: 'mark the engine’s store',
    isRead: true,
    signal,
  });
  return identityIn(made.value);
}

function identityIn({ Labels }: VolumeJson): string {
  const identity = Labels?.[label];
  if (identity !== undefined) return identity;
  throw refusal('conflict', `the engine has a volume ${markerVolume.name} that is not ostler’s, so its store cannot be told; remove or rename that volume`);
}
