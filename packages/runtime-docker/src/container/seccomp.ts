import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { Artifact, Json, WorkerSpec } from '@ostler/sdk';
import { refusal } from '../errors.ts';
import type { Flavour } from '../flavour.ts';
import { moreOf } from './more.ts';

const mostBytes = 2 ** 20;

interface ProfilePlace {
  readonly flavour: Flavour;
  /** The engine sees the files of this host. */
  readonly isNear: boolean;
  /** For the file. */
  readonly dir: string;
}

/** The file of a worker's profile; `null` = it has none of its own. */
function profilePath(spec: WorkerSpec): string | null {
  const { seccomp } = moreOf(spec).container;
  if (seccomp === undefined || seccomp === 'unconfined') return null;
  return isAbsolute(seccomp) ? seccomp : join(spec.baseDir, seccomp);
}

/** Throws `not-found` or `invalid`. */
async function readProfile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw refusal('not-found', `the seccomp profile ${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`, true);
  }
  try {
    if (text.length > mostBytes) throw new Error('it is too large');
    const profile = JSON.parse(text) as { readonly defaultAction?: unknown };
    if (typeof profile.defaultAction !== 'string') throw new Error('it has no defaultAction');
    return JSON.stringify(profile);
  } catch (error) {
    throw refusal('invalid', `${path} is no seccomp profile: ${(error as Error).message}`);
  }
}

/** Pins the profile beside the image: a new text of it is a change, and an old generation keeps its own. */
export async function withProfile(artifact: Artifact, spec: WorkerSpec): Promise<Artifact> {
  const path = profilePath(spec);
  if (path === null) return artifact;
  const seccomp = await readProfile(path);
  const inputs = { ...artifact.inputs, 'container.seccomp': `sha256:${createHash('sha256').update(seccomp).digest('hex')}` };
  const digest = `sha256:${createHash('sha256')
    .update(JSON.stringify([artifact.digest, inputs]))
    .digest('hex')}`;
  return { digest, inputs, data: { ...(artifact.data as { readonly [key: string]: Json }), seccomp } };
}

/** What a container is created with: the profile itself, as Docker takes it, or `unconfined`. `null` = the engine's own. */
export async function seccompOf(spec: WorkerSpec, { data }: Artifact): Promise<string | null> {
  const path = profilePath(spec);
  if (path === null) return moreOf(spec).container.seccomp ?? null;
  const pinned = (data as { readonly seccomp?: Json } | null)?.seccomp;
  return typeof pinned === 'string' ? pinned : readProfile(path);
}

/**
 * The same as Podman takes it: in a file, which it reads while it creates the container, so it lasts only as long as `create`. Throws `unsupported` for
 * a Podman that does not see this host's files.
 */
export async function withProfileFile<T>(
  seccomp: string | null,
  { flavour, isNear, dir }: ProfilePlace,
  create: (seccomp: string | null) => Promise<T>,
): Promise<T> {
  if (flavour !== 'podman' || seccomp === null || seccomp === 'unconfined') return create(seccomp);
  if (!isNear)
    throw refusal('unsupported', 'Podman takes a seccomp profile from a file, and this one is not on this host, so container.seccomp can only be unconfined');
  const folder = await mkdtemp(join(dir, 'seccomp-'));
  try {
    const file = join(folder, 'profile.json');
    await writeFile(file, seccomp, { mode: 0o600 });
    return await create(file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
