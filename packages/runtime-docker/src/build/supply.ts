import type { Artifact, Call, Folders, ImageBuild, WorkerSpec } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import type { ImageJson } from '../engine/json.ts';
import { refusal } from '../errors.ts';
import type { Flavour } from '../flavour.ts';
import { registryHeaders } from '../image/credentials.ts';
import { Images } from '../image/images.ts';
import { localImage } from '../image/local.ts';
import { artifactOf, contentOf, pinnedIn } from '../image/pinned.ts';
import { isImageId, parseReference } from '../image/reference.ts';
import { resolveImage } from '../image/resolve.ts';
import { SharedRuns } from '../image/shared-runs.ts';
import { builtLink, chainArtifact, chainIn, foreignLink, imageLabels, type PinnedLink, repositoryPrefix, tagOf } from './chain.ts';
import { basesOf } from './dockerfile.ts';
import { FileHashes } from './file-hashes.ts';
import { type Recipe, readRecipe, sha256 } from './recipe.ts';
import { hasBuildKit, LeftImage, runBuild } from './run.ts';

interface ListedImage {
  readonly RepoTags: readonly string[] | null;
  /** Bytes, with all that it shares with others. */
  readonly Size: number;
}

/** Which agent's data directory an image was built for: images are shared by content, but taken away only by who built them. */
export const builderOf = ({ state }: Folders): string => sha256(state).slice(0, 16);

/** The images that workers run, be they pulled or built, of one engine. */
export class Supply {
  readonly #engine: Connection;
  readonly #flavour: Flavour;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #runs = new SharedRuns();
  readonly #looks = new SharedRuns<ImageJson | null>();
  readonly #images: Images;
  readonly #hashes = new FileHashes();
  /** By the image's name: at most one left-over of each is kept, for its steps to be used again. */
  readonly #left = new Map<string, LeftImage>();

  constructor(engine: Connection, flavour: Flavour, folders: Folders) {
    this.#engine = engine;
    this.#flavour = flavour;
    this.#labels = { [imageLabels.builder]: builderOf(folders) };
    this.#images = new Images(engine, this.#runs);
  }

  /** Pins what a worker runs: an image by its digest, one that is built by all that it is made of. */
  async resolve(spec: WorkerSpec, call: Call): Promise<Artifact> {
    const { name, images } = spec;
    const last = images.at(-1);
    if (last === undefined) throw refusal('invalid', `${name} has no image: a container runtime needs \`image\` or \`build\``);
    if (last.build === null) {
      const image = await this.#resolveImage(last.reference, spec, call);
      return artifactOf({ image: contentOf(image) }, { ...image });
    }
    const contents: Record<string, string> = {};
    const links: PinnedLink[] = [];
    for (const { name: image, reference, build } of images) {
      if (build === null) {
        const link = foreignLink(image, await this.#resolveImage(reference, spec, call));
        contents[`image ${image}`] = link.image === null ? '' : contentOf(link.image);
        links.push(link);
      } else {
        const { content } = await readRecipe(image, build, this.#hashes, call);
        contents[`image ${image}`] = content;
        links.push(builtLink(image, content, links.at(-1) ?? null));
      }
    }
    return chainArtifact(links, contents);
  }

  /** The engine's image of an artifact; `null` = it has to be prepared. */
  async find(artifact: Artifact, call: Call): Promise<ImageJson | null> {
    const last = chainIn(artifact)?.at(-1);
    return last === undefined ? this.#images.find(pinnedIn(artifact), call) : this.#findLink(last, call);
  }

  /** Makes sure that the engine has it. Throws `not-found` where it cannot be had any more as it was pinned, `build-failed`. */
  async prepare(artifact: Artifact, spec: WorkerSpec, call: Call): Promise<void> {
    const links = chainIn(artifact);
    if (links === null) await this.#images.prepare(pinnedIn(artifact), spec, call);
    else await this.#ensure(links, links.length - 1, spec, call);
  }

  /** Removes the images that this agent built, but for those that `keep` stands on and those that a container has. */
  async collect(keep: readonly Artifact[], call: Call): Promise<{ readonly freedBytes: number }> {
    const kept = new Set(keep.flatMap((artifact) => chainIn(artifact)?.map(tagOf) ?? []));
    const filters = JSON.stringify({ label: Object.entries(this.#labels).map(([name, value]) => `${name}=${value}`) });
    const asked = { what: 'look for images that nobody uses', signal: call.signal };
    const { value } = await this.#engine.json<readonly ListedImage[]>({ path: '/images/json', query: { filters }, ...asked });
    let freedBytes = 0;
    for (const { RepoTags, Size } of value) {
      const tags = (RepoTags ?? []).filter((tag) => tag.startsWith(repositoryPrefix));
      const unused = tags.filter((tag) => !kept.has(tag));
      const removed = await Promise.all(unused.map((tag) => this.#untag(tag, call)));
      // With another name it stays as it is.
      if (unused.length > 0 && unused.length === RepoTags?.length && removed.every((is) => is)) freedBytes += Size;
    }
    return { freedBytes };
  }

  /** Which removes the image with its last name. `false`: a container has it, or it was gone. */
  async #untag(tag: string, call: Call): Promise<boolean> {
    const { status } = await this.#engine.json({
      method: 'DELETE',
      path: `/images/${tag}`,
      what: `remove the image ${tag}`,
      accepts: [404, 409],
      isRead: true,
      signal: call.signal,
    });
    return status < 300;
  }

  #resolveImage(reference: string | null, spec: WorkerSpec, call: Call) {
    if (reference === null) throw refusal('invalid', `${spec.name} has no image: a container runtime needs \`image\` or \`build\``);
    return resolveImage(this.#engine, this.#flavour, reference, spec, this.#looks, call);
  }

  async #findLink(link: PinnedLink, call: Call): Promise<ImageJson | null> {
    const found = await localImage(this.#engine, tagOf(link), call);
    // Who else gives an image this name gives it not the content.
    return link.image !== null || found?.Config?.Labels?.[imageLabels.hash] === link.hash ? found : null;
  }

  /** The link, and below it what it stands on as far as it is needed to build it. */
  async #ensure(links: readonly PinnedLink[], index: number, spec: WorkerSpec, call: Call): Promise<void> {
    const link = links[index];
    if (link === undefined || (await this.#findLink(link, call)) !== null) return;
    if (link.image !== null) {
      await this.#images.prepare(link.image, spec, call);
      await this.#name(link, call);
      return;
    }
    const below = links[index - 1] ?? null;
    if (below !== null) await this.#ensure(links, index - 1, spec, call);
    const build = spec.images[index]?.build ?? null;
    if (build === null) throw refusal('invalid', `${spec.name} was pinned with a build of ${link.name}, which its definition does not have`);
    await this.#runs.once(tagOf(link), `build the image ${link.name}`, call, (shared) => this.#build(link, below, build, shared));
  }

  /** Gives an image that was pulled the name by which what stands on it finds it. */
  async #name(link: PinnedLink, call: Call): Promise<void> {
    const found = link.image === null ? null : await this.#images.find(link.image, call);
    const [repo = '', tag = ''] = tagOf(link).split(':');
    if (found === null) throw refusal('not-found', `the image ${link.name} was pulled, but the engine does not have it`, true);
    await this.#engine.json({
      method: 'POST',
      path: `/images/${found.Id}/tag`,
      query: { repo, tag },
      what: `name the image ${link.name}`,
      isRead: true,
      signal: call.signal,
    });
  }

  async #build(link: PinnedLink, below: PinnedLink | null, build: ImageBuild, call: Call): Promise<void> {
    const { name } = link;
    const recipe = await readRecipe(name, build, this.#hashes, call);
    if (builtLink(name, recipe.content, below).hash !== link.hash)
      throw refusal(
        'not-found',
        `the engine does not have the image ${name} as it was applied, and ${build.context} has changed since then; \`ostler apply\` builds it as it is now`,
      );
    const base = below === null ? null : tagOf(below);
    const isBuildKit = await hasBuildKit(this.#engine, this.#flavour, call);
    if (!isBuildKit) await this.#pullBases(recipe, base, call);
    const before = this.#left.get(name);
    const left = new LeftImage();
    const labels = { ...this.#labels, [imageLabels.hash]: link.hash };
    try {
      await runBuild({ engine: this.#engine, flavour: this.#flavour, isBuildKit, recipe, tag: tagOf(link), labels, base }, left, call);
    } finally {
      this.#left.set(name, left);
      if (before !== undefined && before.id !== left.id) await this.#drop(before);
    }
    if ((await this.#findLink(link, call)) === null) throw refusal('internal', `the engine said that it built the image ${name}, but does not have it`, true);
  }

  /** Builders other than BuildKit know no logins: a base image that needs one is pulled before, where this host has one for its registry. */
  async #pullBases({ dockerfile, build }: Recipe, own: string | null, call: Call): Promise<void> {
    for (const base of basesOf(dockerfile, own === null ? build.args : { ...build.args, BASE: own })) {
      if (base === own || isImageId(base)) continue;
      const { registry } = parseReference(base);
      if (Object.keys(await registryHeaders(registry, call)).length === 0 || (await localImage(this.#engine, base, call)) !== null) continue;
      await this.#images.pull(base, call);
    }
  }

  /** What an earlier try left; whether that goes well is nobody's trouble. */
  async #drop({ id }: LeftImage): Promise<void> {
    if (id === null) return;
    const signal = AbortSignal.timeout(10_000);
    await this.#engine.json({ method: 'DELETE', path: `/images/${id}`, what: 'remove what a failed build left', accepts: [404, 409], signal }).catch(() => {});
  }
}
