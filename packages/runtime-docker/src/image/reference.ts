import { refusal } from '../errors.ts';

/** An image's name, taken apart as Docker does (distribution/reference): `repository` with its registry, `tag` or `digest`, never both empty. */
export interface Reference {
  /** `docker.io/library/nginx`, `127.0.0.1:5000/app`. */
  readonly repository: string;
  readonly registry: string;
  readonly tag: string | null;
  /** `sha256:…` */
  readonly digest: string | null;
}

const path = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const imageId = /^(?:sha256:)?[0-9a-f]{64}$/;

/** True for the id of an image, which names content of this engine and of no registry. */
export const isImageId = (text: string): boolean => imageId.test(text);

/** Throws `invalid` for what is no image name. */
export function parseReference(text: string): Reference {
  const [rest = '', digest = null] = text.split('@') as [string, string?];
  if (digest !== null && !/^sha256:[0-9a-f]{64}$/.test(digest)) throw refusal('invalid', `"${text}" is no image name: after @ stands sha256: and 64 digits`);
  const colon = rest.lastIndexOf(':');
  const hasTag = colon > rest.lastIndexOf('/');
  const name = hasTag ? rest.slice(0, colon) : rest;
  const tag = hasTag ? rest.slice(colon + 1) : null;
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isRegistry = first.includes('.') || first.includes(':') || first === 'localhost';
  const registry = isRegistry && first !== 'index.docker.io' ? first : 'docker.io';
  const inner = isRegistry ? name.slice(slash + 1) : name;
  const full = registry === 'docker.io' && !inner.includes('/') ? `library/${inner}` : inner;
  if (!path.test(full) || (tag !== null && !/^\w[\w.-]{0,127}$/.test(tag))) throw refusal('invalid', `"${text}" is no image name`);
  return { repository: `${registry}/${full}`, registry, digest, tag: tag ?? (digest === null ? 'latest' : null) };
}

/** As engines write a repository in `RepoDigests`: Docker leaves its own hub out, Podman does not. */
export function isRepository(written: string, { repository }: Reference): boolean {
  return parseReference(written).repository === repository;
}
