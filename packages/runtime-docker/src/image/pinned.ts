import { createHash } from 'node:crypto';
import type { Artifact, Json, WorkerSpec } from '@ostler/sdk';
import { refusal } from '../errors.ts';

/** What `resolveImage` pins. `pull` names the same content for a registry; `null` = no registry has it, as far as is known. */
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

/** The digest first: an engine that pulled it has an id too, and that is no change. */
export const contentOf = ({ pull, id }: PinnedImage): string => (pull === null ? (id ?? '') : pull.slice(pull.indexOf('@') + 1));

export function artifactOf(inputs: Artifact['inputs'], data: Artifact['data']): Artifact {
  return { digest: `sha256:${createHash('sha256').update(JSON.stringify(inputs)).digest('hex')}`, inputs, data };
}

export function pinnedIn({ data }: Artifact): PinnedImage {
  return pinnedImage(data) ?? refuseForeign();
}

/** `null` = it is none. */
export function pinnedImage(data: Json | undefined): PinnedImage | null {
  const { reference, id, pull } = (data ?? {}) as Partial<Record<keyof PinnedImage, unknown>>;
  if (typeof reference !== 'string') return null;
  return { reference, id: typeof id === 'string' ? id : null, pull: typeof pull === 'string' ? pull : null };
}

function refuseForeign(): never {
  throw refusal('invalid', 'this artifact was not made by a container runtime');
}
