import type { Call, WorkerSpec } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import type { ImageJson } from '../engine/json.ts';
import { refusal } from '../errors.ts';
import type { Flavour } from '../flavour.ts';
import { registryHeaders } from './credentials.ts';
import { localImage } from './local.ts';
import { type PinnedImage, pullPolicyOf } from './pinned.ts';
import { pullImage } from './pull.ts';
import { isImageId, isRepository, parseReference, type Reference } from './reference.ts';
import type { SharedRuns } from './shared-runs.ts';

/**
 * Pins the image: by the digest that a registry knows it by, else by the engine's own id. `missing` asks the registry only for an image that the
 * engine has not. `looks`: those for local images that are under way; of many workers with one image the engine is asked once.
 */
export async function resolveImage(
  engine: Connection,
  flavour: Flavour,
  name: string,
  spec: WorkerSpec,
  looks: SharedRuns<ImageJson | null>,
  call: Call,
): Promise<PinnedImage> {
  const policy = pullPolicyOf(spec);
  const local =
    policy === 'always' && !isImageId(name) ? null : await looks.once(name, `look for the image ${name}`, call, (shared) => localImage(engine, name, shared));
  if (local !== null) return { reference: name, id: local.Id, pull: pullNameOf(local, name) };
  if (policy === 'never' || isImageId(name))
    throw refusal('not-found', `the engine has no image ${name}, and ${policy === 'never' ? 'pull: never' : 'an id cannot be pulled'}`);
  const reference = parseReference(name);
  if (reference.digest !== null) return { reference: name, id: null, pull: `${reference.repository}@${reference.digest}` };
  if (flavour === 'podman') {
    // Podman has no word for asking a registry without pulling.
    await pullImage(engine, name, call);
    const pulled = await localImage(engine, name, call);
    if (pulled === null) throw refusal('not-found', `the image ${name} was pulled, but the engine does not have it`, true);
    return { reference: name, id: pulled.Id, pull: pullNameOf(pulled, name) };
  }
  return { reference: name, id: null, pull: `${reference.repository}@${await digestAtRegistry(engine, reference, name, call)}` };
}

async function digestAtRegistry(engine: Connection, { repository, registry, tag }: Reference, name: string, call: Call): Promise<string> {
  const { value } = await engine.json<{ readonly Descriptor?: { readonly digest?: string } }>({
    path: `/distribution/${repository}:${tag ?? 'latest'}/json`,
    headers: await registryHeaders(registry, call),
    what: `ask the registry for the image ${name}`,
    signal: call.signal,
  });
  const digest = value.Descriptor?.digest;
  if (digest === undefined) throw refusal('internal', `the registry did not tell the digest of ${name}`, true);
  return digest;
}

function pullNameOf({ RepoDigests }: ImageJson, name: string): string | null {
  if (isImageId(name)) return null;
  const reference = parseReference(name);
  const known = (RepoDigests ?? []).filter((one) => !one.startsWith('<none>') && isRepository(one, reference));
  return known.find((one) => reference.digest === null || one.endsWith(reference.digest)) ?? null;
}
