import type { Artifact, Call, WorkerSpec } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import type { ImageJson } from '../engine/json.ts';
import { refusal } from '../errors.ts';
import { localImage } from '../image/local.ts';
import { pinnedIn } from '../image/pinned.ts';
import { pullImage } from '../image/pull.ts';
import { moreOf } from './more.ts';

/** `linux/arm64`; `null` = the engine's own. */
export const platformOf = (spec: WorkerSpec): string | null => moreOf(spec).container.platform ?? null;

/** Under one digest a registry may have an image for each platform, of which an engine has one at a time. */
function isFor({ Os, Architecture, Variant }: ImageJson, platform: string): boolean {
  const [os, architecture, variant] = platform.split('/');
  return Os === os && Architecture === architecture && (variant === undefined || (Variant ?? '') === '' || Variant === variant);
}

/** The engine's image of an artifact, for that platform; `null` = it has none. */
export async function imageFor(engine: Connection, artifact: Artifact, platform: string, call: Call): Promise<ImageJson | null> {
  const { id, pull } = pinnedIn(artifact);
  for (const name of [pull, id].filter((one) => one !== null)) {
    const found = await localImage(engine, name, call);
    if (found !== null && isFor(found, platform)) return found;
  }
  return null;
}

/** Pulls it for that platform where the engine has another one. False: no registry has it. Throws `not-found` where it has none for the platform. */
export async function prepareFor(engine: Connection, artifact: Artifact, spec: WorkerSpec, platform: string, call: Call): Promise<boolean> {
  if ((await imageFor(engine, artifact, platform, call)) !== null) return true;
  const { pull, reference } = pinnedIn(artifact);
  if (pull === null || spec.more['pull'] === 'never') return false;
  await pullImage(engine, pull, call, platform);
  if ((await imageFor(engine, artifact, platform, call)) !== null) return true;
  throw refusal('not-found', `the registry has no image ${reference} for ${platform}`);
}
