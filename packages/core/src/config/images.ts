import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import type { Place } from '../base/problem.ts';
import { nearest, type Registry } from '../spec/index.ts';
import { circles } from './across.ts';
import { addIssues, type Faults } from './issues.ts';
import { list, type MapNode, map, type Node, nodeAt, type Path, scalar, toJson, withNode } from './node.ts';
import { topSchema } from './schema.ts';
import { refuseLossy } from './vars.ts';
import { partsOf, rebase } from './worker-node.ts';

const textAt = (node: Node, path: Path): string | null => {
  const found = nodeAt(node, path);
  return found?.is === 'scalar' && typeof found.value === 'string' ? found.value : null;
};

/** `images:` again, now with the variables filled in: what stands on what, without a circle. */
export function checkImages(images: MapNode, faults: Faults): void {
  const parsed = topSchema.pick({ images: true }).safeParse({ images: toJson(images) });
  const node = map(new Map([['images', { at: images.at, value: images }]]), images.at);
  if (!parsed.success) addIssues(faults, parsed.error.issues, { node, prefix: '', known: () => ['image', 'build', 'from'] });
  const edges = new Map<string, readonly { readonly to: string; readonly at: Place }[]>();
  for (const [name, entry] of images.entries) {
    const [image, build, from] = ['image', 'build', 'from'].map((key) => nodeAt(entry.value, [key]));
    if (image && build) faults.invalid(`images.${name}: \`image\` and \`build\` cannot both be given`, build.at, 'Keep the one that says where it comes from.');
    if (from && !build)
      faults.invalid(
        `images.${name}.from: what is not built stands on nothing`,
        from.at,
        'Give it a `build:`, the folder of its Dockerfile, or remove `from`.',
      );
    const args = nodeAt(entry.value, ['build', 'args']);
    for (const [key, arg] of args?.is === 'map' ? args.entries : []) {
      const { value } = arg;
      if (value.is === 'scalar' && value.lossyText !== null) void faults.collect(() => refuseLossy(value, `images.${name}.build.args.${key}`));
    }
    if (from && args?.is === 'map' && args.entries.has('BASE'))
      faults.invalid(`images.${name}: \`from\` gives the build argument BASE, so \`args\` cannot`, args.entries.get('BASE')!.at, 'Remove one of the two.');
    if (from?.is !== 'scalar' || typeof from.value !== 'string') continue;
    if (images.entries.has(from.value)) {
      edges.set(name, [{ to: from.value, at: from.at }]);
      continue;
    }
    const others = [...images.entries.keys()].filter((other) => other !== name);
    const near = nearest(from.value, others);
    const listed = others.length > 0 ? `Images: ${others.join(', ')}.` : 'It has no other image.';
    faults.invalid(`images.${name}.from: \`images\` has no \`${from.value}\``, from.at, near ? `Did you mean \`${near}\`?` : listed);
  }
  for (const circle of circles(edges)) faults.invalid(`images stand on each other in a circle: ${circle.path.join(' -> ')}`, circle.at, 'Remove one `from`.');
}

/** The chain of `images:` that a worker's image stands on, base first, put where its own `image` names one of them. */
export function withImages(worker: MapNode, images: MapNode | null, registry: Registry, baseDir: string): MapNode {
  let result = worker;
  for (const part of partsOf(worker, registry)) {
    const node = nodeAt(result, [...part, 'image']);
    if (!images || node?.is !== 'scalar' || typeof node.value !== 'string' || !images.entries.has(node.value)) continue;
    const chain = chainOf(node.value, images, baseDir);
    if (chain) result = withNode(result, [...part, 'imageChain'], list(chain, node.at));
  }
  return result;
}

/** `null`: a link is missing or comes twice, which {@link checkImages} has told. */
function chainOf(last: string, images: MapNode, baseDir: string): readonly Node[] | null {
  const chain: Node[] = [];
  const seen = new Set<string>();
  for (let name: string | null = last; name !== null; ) {
    const entry = images.entries.get(name);
    if (!entry || seen.has(name)) return null;
    seen.add(name);
    chain.unshift(linkOf(name, entry.value, entry.at, baseDir));
    name = textAt(entry.value, ['from']);
  }
  return chain;
}

function linkOf(name: string, image: Node, at: Place, baseDir: string): Node {
  const plain = (value: string | null, from: Node | undefined = undefined) => scalar(value, from?.at ?? at);
  const pair = (key: string, value: Node) => [key, { at: value.at, value }] as const;
  const whole = nodeAt(image, ['build']);
  const contextNode = whole?.is === 'map' ? nodeAt(whole, ['context']) : whole;
  const context = textAt(image, ['build']) ?? textAt(image, ['build', 'context']);
  const args = nodeAt(image, ['build', 'args']);
  const texts = [...(args?.is === 'map' ? args.entries : [])].map(([key, arg]) =>
    pair(key, plain(arg.value.is === 'scalar' ? String(arg.value.value) : '', arg.value)),
  );
  const build =
    context === null || contextNode === undefined
      ? plain(null)
      : map(
          new Map([
            pair('context', plain(rebase(context, dirname(contextNode.at.file), baseDir, false), contextNode)),
            pair('dockerfile', plain(textAt(image, ['build', 'dockerfile']), nodeAt(image, ['build', 'dockerfile']))),
            pair('target', plain(textAt(image, ['build', 'target']))),
            pair('args', map(new Map(texts), args?.at ?? at)),
            pair('from', plain(textAt(image, ['from']))),
          ]),
          at,
        );
  const reference = image.is === 'scalar' ? textAt(image, []) : textAt(image, ['image']);
  return map(new Map([pair('name', plain(name)), pair('reference', plain(reference)), pair('build', build)]), at);
}

/** The folders that workers' images are built from, and their Dockerfiles, are there: each is told once, where it is written. */
export async function checkBuilds(workers: ReadonlyMap<string, MapNode>, registry: Registry, baseDir: string, faults: Faults): Promise<void> {
  const told = new Set<string>();
  for (const [name, worker] of workers)
    for (const part of partsOf(worker, registry)) {
      const chain = nodeAt(worker, [...part, 'imageChain']);
      const links = chain?.is === 'list' ? chain.items.map((link) => ({ what: `images.${textAt(link, ['name'])}.build`, node: nodeAt(link, ['build']) })) : [];
      const own = { what: ['workers', name, ...part, 'build'].join('.'), node: nodeAt(worker, [...part, 'build']) };
      for (const { what, node } of [...links, own]) {
        if (node === undefined || (node.is === 'scalar' && node.value === null) || told.has(what)) continue;
        told.add(what);
        await checkBuild(what, node, baseDir, faults);
      }
    }
}

async function checkBuild(what: string, node: Node, baseDir: string, faults: Faults): Promise<void> {
  const contextNode = node.is === 'map' ? nodeAt(node, ['context']) : node;
  const text = textAt(node, []) ?? textAt(node, ['context']);
  if (text === null || contextNode === undefined) return;
  if (/^[a-z][a-z0-9+.-]*:\/\/|^git@/i.test(text)) {
    faults.invalid(`${what}: ${text} is no folder of this host`, contextNode.at, 'Only folders can be built from: check it out beside the host file.');
    return;
  }
  const context = isAbsolute(text) ? text : resolve(baseDir, text);
  const kind = await kindOf(context);
  if (kind !== 'folder') {
    const is = kind === null ? 'does not exist' : 'is no folder';
    faults.invalid(`${what}: the folder to build from, ${context}, ${is}`, contextNode.at, 'Paths stand against the file that they are written in.');
    return;
  }
  const dockerfileNode = nodeAt(node, ['dockerfile']);
  const dockerfile = resolve(context, textAt(node, ['dockerfile']) ?? 'Dockerfile');
  if ((await kindOf(dockerfile)) === 'file') return;
  const isNamed = textAt(node, ['dockerfile']) !== null;
  faults.invalid(
    `${what}: there is no file ${dockerfile}`,
    isNamed && dockerfileNode ? dockerfileNode.at : contextNode.at,
    isNamed ? '`dockerfile` stands against `context`.' : 'Write a Dockerfile there, or name it: `build: { context, dockerfile }`.',
  );
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'other' | null> {
  try {
    const found = await stat(path);
    return found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other';
  } catch {
    return null;
  }
}
