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

/** The name of a store that nothing of ours was ever in. */
export const unmarked = 'unmarked';

const what = 'read which store the engine has';

/** The name of the engine's store. To look changes nothing: a store in which nothing was started yet has no name of its own. */
export async function storeOf(engine: Connection, call: Call): Promise<string> {
  return (await markerOf(engine, call)) ?? (await knownStore(engine, call)) ?? unmarked;
}

/** Its name, which it gets if it has none: before the first container is made in it. */
export async function markStore(engine: Connection, call: Call): Promise<string> {
  const marker = await markerOf(engine, call);
  if (marker !== null) return marker;
  const identity = (await knownStore(engine, call)) ?? randomUUID();
  // Of two that make it at once, both get the first one's. One that is there stays as it is.
  const made = await engine.json<VolumeJson>({
    method: 'POST',
    path: '/volumes/create',
    body: { Name: markerVolume.name, Labels: { [label]: identity } },
    what: 'mark the engine’s store',
    isRead: true,
    signal: call.signal,
  });
  return identityIn(made.value);
}

async function markerOf(engine: Connection, { signal }: Call): Promise<string | null> {
  const { status, value } = await engine.json<VolumeJson>({ path: `/volumes/${markerVolume.name}`, what, signal, accepts: [404] });
  return status === 404 ? null : identityIn(value);
}

/** The volume is gone while containers still know it: the store is the same. */
async function knownStore(engine: Connection, { signal }: Call): Promise<string | null> {
  const query = { all: true, filters: JSON.stringify({ label: [label] }) };
  const { value } = await engine.json<readonly ListedJson[]>({ path: '/containers/json', query, what, signal });
  return value.map((one) => one.Labels?.[label]).find((one) => one !== undefined) ?? null;
}

function identityIn({ Labels }: VolumeJson): string {
  const identity = Labels?.[label];
  if (identity !== undefined) return identity;
  throw refusal('conflict', `the engine has a volume ${markerVolume.name} that is not ostler’s, so its store cannot be told; remove or rename that volume`);
}
