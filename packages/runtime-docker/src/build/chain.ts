import type { Artifact, Json } from '@ostler/sdk';
import { artifactOf, contentOf, type PinnedImage, pinnedImage } from '../image/pinned.ts';
import { sha256 } from './recipe.ts';

/** One image of a chain, pinned: built by us, or (`image`) somebody else's that the next one stands on. */
export interface PinnedLink {
  /** As the host file names it. */
  readonly name: string;
  /** Over its own content and all that it stands on. */
  readonly hash: string;
  readonly image: PinnedImage | null;
}

/** Labels of each image of ours. */
export const imageLabels = { hash: 'ostler.image', builder: 'ostler.builder' } as const;

/** All of ours have it. No registry answers to `localhost` by this name: an image of ours that is missing is missing, and nobody else's comes in its place. */
export const repositoryPrefix = 'localhost/ostler/';

/** By content: what has the same name is the same. */
export const tagOf = ({ name, hash }: Pick<PinnedLink, 'name' | 'hash'>): string => `${repositoryPrefix}${name}:${hash.slice(0, 32)}`;

export const builtLink = (name: string, content: string, below: PinnedLink | null): PinnedLink => ({
  ...{ name, image: null },
  hash: sha256(JSON.stringify([content, below?.hash ?? null])),
});
export const foreignLink = (name: string, image: PinnedImage): PinnedLink => ({ name, image, hash: sha256(contentOf(image)) });

/** `contents`: of each link alone, so that a change says which of them it is in. */
export function chainArtifact(links: readonly PinnedLink[], contents: Readonly<Record<string, string>>): Artifact {
  const last = links.at(-1);
  if (last === undefined) throw new Error('a chain has at least one link');
  const data = {
    reference: tagOf(last),
    id: null,
    pull: null,
    chain: links.map(({ name, hash, image }) => ({ name, hash, image: image === null ? null : { ...image } })),
  };
  return artifactOf(contents, data);
}

/** `null`: what it runs was not built. */
export function chainIn({ data }: Artifact): readonly PinnedLink[] | null {
  const { chain } = (data ?? {}) as { readonly chain?: Json };
  if (!Array.isArray(chain)) return null;
  return chain.flatMap((link) => {
    const { name, hash, image } = (link ?? {}) as { readonly name?: Json; readonly hash?: Json; readonly image?: Json };
    return typeof name === 'string' && typeof hash === 'string' ? [{ name, hash, image: pinnedImage(image) }] : [];
  });
}
