import type { Troubles } from '../troubles.ts';
import { type Entry, entryOf, kindOf, listNode, type MapNode, mapNode, type Node } from './node.ts';

/** Of these the later file's stands alone. `*`: any name. */
const replaced = ['services.*.command', 'services.*.entrypoint', 'services.*.healthcheck.test', 'services.*.provider'];

type Path = readonly string[];

/**
 * `later` over `earlier` as Compose does it: maps are merged key by key, lists are appended, single values replace, commands and health tests replace;
 * `!reset` takes away, `!override` replaces. Both hold services in their long form. `path`: where both stand, `[services, web]`.
 */
export function merged(earlier: MapNode, later: MapNode, path: Path, troubles: Troubles): MapNode {
  const entries = new Map<string, Entry>(earlier.entries);
  for (const [key, entry] of later.entries) {
    const old = entries.get(key);
    if (entry.value.mark === 'reset') entries.delete(key);
    else if (!old || key.startsWith('x-') || entry.value.mark === 'override') entries.set(key, { at: entry.at, value: unmarked(entry.value) });
    else {
      const value = mergedValue(old.value, entry.value, [...path, key], troubles);
      entries.set(key, { at: value === old.value ? old.at : entry.at, value });
    }
  }
  return mapNode(entries, { at: earlier.at, mark: earlier.mark });
}

function mergedValue(earlier: Node, later: Node, path: Path, troubles: Troubles): Node {
  const isNothing = later.is === 'scalar' && later.text === null;
  // In an environment a name alone says something: the value comes from outside.
  if (isNothing) return matches(path, 'services.*.environment.*') ? later : earlier;
  if (earlier.is === 'scalar' && earlier.text === null) return unmarked(later);
  if (replaced.some((pattern) => matches(path, pattern))) return unmarked(later);
  if (matches(path, 'services.*.logging') && isOtherDriver(earlier, later)) return unmarked(later);
  if (matches(path, 'services.*.ulimits.*') && !(earlier.is === 'map' && later.is === 'map')) return unmarked(later);
  if (earlier.is === 'map' && later.is === 'map') return merged(earlier, later, path, troubles);
  if (earlier.is === 'list' && later.is === 'list') return listNode([...earlier.items, ...later.items.map(unmarked)], { at: later.at, mark: earlier.mark });
  if (earlier.is === 'scalar' && later.is === 'scalar') return later;
  troubles.add(
    `${path.join('.')} is ${kindOf(later)} here, and ${kindOf(earlier)} in line ${earlier.at.line} of ${earlier.at.file}: the two cannot be merged`,
    later.at,
    'Write both in one form, or `!override` before this one.',
  );
  return earlier;
}

/** Options of a log driver say nothing to another one. */
function isOtherDriver(earlier: Node, later: Node): boolean {
  const [a, b] = [earlier, later].map((node) => {
    const driver = entryOf(node, 'driver');
    return driver?.is === 'scalar' ? driver.text?.now : undefined;
  });
  return a !== undefined && b !== undefined && a !== b;
}

const matches = (path: Path, pattern: string): boolean => {
  const wanted = pattern.split('.');
  return path.length === wanted.length && wanted.every((step, index) => step === '*' || step === path[index]);
};

/** What was marked in the first file has nothing to take away. */
export function unmarked(node: Node): Node {
  if (node.is === 'list') return listNode(node.items.filter(({ mark }) => mark !== 'reset').map(unmarked), { at: node.at });
  if (node.is === 'scalar') return { ...node, mark: null };
  const entries = [...node.entries]
    .filter(([, { value }]) => value.mark !== 'reset')
    .map(([key, entry]) => [key, { ...entry, value: unmarked(entry.value) }] as const);
  return mapNode(new Map(entries), { at: node.at });
}
