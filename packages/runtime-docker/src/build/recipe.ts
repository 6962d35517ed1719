import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import type { Call, ImageBuild } from '@ostler/sdk';
import { refusal } from '../errors.ts';
import { type ContextEntry, digestOf, readContext } from './context.ts';
import { type Dockerfile, parseDockerfile, stageOf } from './dockerfile.ts';
import { type FileHashes, unreadable } from './file-hashes.ts';
import { parseIgnore } from './ignore.ts';

/** All that one build is made of, as it lies on the disk now. */
export interface Recipe {
  /** As the host file names the image. */
  readonly name: string;
  readonly build: ImageBuild;
  readonly dockerfile: Dockerfile & { readonly text: string /** Within the context; `null` = it lies outside. */; readonly path: string | null };
  /** The stage to stop at, as the Dockerfile writes it; `null` = the last one. */
  readonly target: string | null;
  /** The text of the rules that the context was read by; `null` = there are none. */
  readonly ignore: string | null;
  readonly entries: readonly ContextEntry[];
  /** SHA-256 over Dockerfile, context, target and arguments; not over what it stands on. */
  readonly content: string;
}

/** The build argument that names what an image of the host file stands on. */
export const baseArg = 'BASE';

/** Raised when the same recipe would be built in another way. */
const form = 1;

/**
 * Reads what an image is built from. Throws `not-found` for a context or Dockerfile that is not there, `invalid` for a target that the Dockerfile does not
 * have, for `from` without `ARG BASE`, and for what may not be read.
 */
export async function readRecipe(name: string, build: ImageBuild, hashes: FileHashes, call: Call): Promise<Recipe> {
  const path = resolve(build.context, build.dockerfile ?? 'Dockerfile');
  const text = await readText(path);
  const ignoreFile = (await readText(`${path}.dockerignore`)) === null ? resolve(build.context, '.dockerignore') : `${path}.dockerignore`;
  const ignore = await readText(ignoreFile);
  // The context first: without it there is no Dockerfile either.
  const entries = await readContext(build.context, parseIgnore(ignore ?? '', ignoreFile), hashes, call);
  if (text === null) throw refusal('not-found', `the image ${name} cannot be built: there is no Dockerfile at ${path}`);
  const parsed = parseDockerfile(text);
  const target = build.target === null ? null : stageOf(parsed, build.target);
  if (build.target !== null && target === null) {
    const named = parsed.stages.flatMap((stage) => stage.name ?? []);
    throw refusal('invalid', `the image ${name} cannot be built: ${path} has no stage "${build.target}"; it names ${named.join(', ') || 'none'}`);
  }
  if (build.from !== null && !parsed.argNames.has(baseArg))
    throw refusal(
      'invalid',
      `the image ${name} stands on ${build.from}, but ${path} does not ask for it: begin it with \`ARG ${baseArg}\` and \`FROM \${${baseArg}}\``,
    );
  const within = relative(build.context, path);
  return {
    name,
    build,
    dockerfile: { ...parsed, text, path: within === '..' || within.startsWith('../') ? null : within },
    target,
    ignore,
    entries,
    content: sha256(JSON.stringify({ form, dockerfile: text, context: digestOf(entries), target, args: sorted(build.args) })),
  };
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw unreadable(path, error);
  }
}

const sorted = (map: Readonly<Record<string, string>>) => Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
