import { createHash } from 'node:crypto';
import type { Artifact, Call, WorkerSpec } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import type { ImageJson } from '../engine/json.ts';
import { refusal } from '../errors.ts';
import type { Flavour } from '../flavour.ts';
import { registryHeaders } from './credentials.ts';
import { localImage } from './local.ts';
import { pullImage } from './pull.ts';
import { isImageId, isRepository, parseReference, type Reference } from './reference.ts';

/** What {@link resolveImage} pins. `pull` names the same content for a registry; `null` = no registry has it, as far as is known. */
export interface PinnedImage {
  /** As the host file names it. */
  readonly reference: string;
  /** `sha256:…` of the engine's image, where it had it when it was pinned. */
  readonly id: string | null;
  /** `repository@sha256:…` */
  readonly pull: string | null;
}

type PullPolicy = 'always' | 'missing' | 'never';

export function pullPolicyOf({ more }: WorkerSpec): PullPolicy {
  const policy = more['pull'];
  return policy === 'always' || policy === 'never' ? policy : 'missing';
}

/** The image that a worker runs; throws `invalid` when it names none. */
export function imageNameOf({ name, images }: WorkerSpec): string {
  const reference = images.at(-1)?.reference;
  if (typeof reference === 'string') return reference;
  throw refusal('invalid', `${name} has no image: a container runtime needs \`image\``);
}

/**
 * Pins the image: by the digest that a registry knows it by, else by the engine's own id. `missing` asks the registry only for an image that the
 * engine has not.
 */
export async function resolveImage(engine: Connection, flavour: Flavour, spec: WorkerSpec, call: Call): Promise<Artifact> {
  const name = imageNameOf(spec);
  const policy = pullPolicyOf(spec);
  const local = policy === 'always' && !isImageId(name) ? null : await localImage(engine, name, call);
  if (local !== null) return artifactOf({ reference: name, id: local.Id, pull: pullNameOf(local, name) });
  if (policy === 'never' || isImageId(name))
    throw refusal('not-found', `the engine has no image ${name}, and ${policy === 'never' ? 'pull: never' : 'an id cannot be pulled'}`);
  const reference = parseReference(name);
  if (reference.digest !== null) return artifactOf({ reference: name, id: null, pull: `${reference.repository}@${reference.digest}` });
  if (flavour === 'podman') {
    // Podman has no word for asking a registry without pulling.
    await pullImage(engine, name, call);
    const pulled = await localImage(engine, name, call);
    if (pulled === null) throw refusal('not-found', `the image ${name} was pulled, but the engine does not have it`, true);
    return artifactOf({ reference: name, id: pulled.Id, pull: pullNameOf(pulled, name) });
  }
  return artifactOf({ reference: name, id: null, pull: `${reference.repository}@${await digestAtRegistry(engine, reference, name, call)}` });
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

function artifactOf(image: PinnedImage): Artifact {
  // The digest first: an engine that pulled it has an id too, and that is no change.
  const digest = image.pull === null ? (image.id ?? '') : image.pull.slice(image.pull.indexOf('@') + 1);
  const inputs = { image: digest };
  return { digest: `sha256:${createHash('sha256').update(JSON.stringify(inputs)).digest('hex')}`, inputs, data: { ...image } };
}

export function pinnedIn({ data }: Artifact): PinnedImage {
  const { reference, id, pull } = (data ?? {}) as Partial<Record<keyof PinnedImage, unknown>>;
  if (typeof reference !== 'string') throw refusal('invalid', 'this artifact was not made by a container runtime');
  return { reference, id: typeof id === 'string' ? id : null, pull: typeof pull === 'string' ? pull : null };
}
