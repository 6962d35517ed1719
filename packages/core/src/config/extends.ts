import { dirname, resolve } from 'node:path';
import { type Place, problem } from '../base/problem.ts';
import { bounds } from './bounds.ts';
import { loadFile } from './load.ts';
import { mergeNodes } from './merge.ts';
import { list, type MapNode, map, type Node, without } from './node.ts';

/** All files of one host merged into one map, and their absolute paths in the order in which they were read. */
export interface Merged {
  readonly root: MapNode;
  readonly files: readonly string[];
}

/**
 * Reads a host file and what it `extends`, later over earlier, the file itself last. `plugins` and `varsFiles` of all files are kept, since a
 * base that needs a plugin shall bring it.
 */
export async function loadMerged(file: string): Promise<Merged> {
  const files: string[] = [];
  const cache = new Map<string, MapNode>();
  const read = async (path: string, chain: readonly string[], referrer: Place | undefined): Promise<MapNode> => {
    if (chain.includes(path)) {
      const circle = [...chain.slice(chain.indexOf(path)), path].join(' -> ');
      throw problem({ code: 'host-file-invalid', message: `\`extends\` goes in a circle: ${circle}`, place: referrer, hint: 'Remove one of them.' });
    }
    const known = cache.get(path);
    if (known) return known;
    if (files.length >= bounds.files) throw problem({ code: 'host-file-invalid', message: `more than ${bounds.files} files`, place: referrer });
    const own = await loadFile(path, referrer);
    files.push(path);
    let merged = map(new Map(), own.at);
    for (const base of bases(own)) {
      const target = resolve(dirname(path), base.path);
      merged = joined(merged, await read(target, [...chain, path], base.at));
    }
    const whole = joined(merged, without(own, 'extends'));
    cache.set(path, whole);
    return whole;
  };
  return { root: await read(file, [], undefined), files };
}

/** Lists that gather over files instead of replacing. */
const gathered = ['plugins', 'varsFiles'];

function joined(earlier: MapNode, later: MapNode): MapNode {
  const merged = mergeNodes(earlier, later);
  const entries = new Map(merged.entries);
  for (const key of gathered) {
    const [a, b] = [earlier.entries.get(key), later.entries.get(key)];
    if (a?.value.is === 'list' && b?.value.is === 'list') entries.set(key, { at: b.at, value: list([...a.value.items, ...b.value.items], b.value.at) });
  }
  return { ...merged, entries };
}

function bases(own: MapNode): readonly { readonly path: string; readonly at: Place }[] {
  const node: Node | undefined = own.entries.get('extends')?.value;
  if (!node) return [];
  const items = node.is === 'list' ? node.items : [node];
  return items.map((item) => {
    if (item.is !== 'scalar' || typeof item.value !== 'string' || item.value === '')
      throw problem({ code: 'host-file-invalid', message: '`extends` takes the path of a file, or a list of them', place: item.at });
    if (item.value.includes('${'))
      throw problem({ code: 'host-file-invalid', message: '`extends` cannot use variables: they are known only when all files are read', place: item.at });
    return { path: item.value, at: item.at };
  });
}
