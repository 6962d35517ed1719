import { type Entry, type MapNode, map, type Node } from './node.ts';

/** `later` over `earlier`: maps merge key by key, scalars and lists replace. The place of what wins stays with it. */
export function mergeNodes(earlier: MapNode, later: MapNode): MapNode;
export function mergeNodes(earlier: Node, later: Node): Node;
export function mergeNodes(earlier: Node, later: Node): Node {
  if (earlier.is !== 'map' || later.is !== 'map') return later;
  const entries = new Map<string, Entry>(earlier.entries);
  for (const [key, entry] of later.entries) {
    const old = entries.get(key);
    entries.set(key, old ? { at: entry.at, value: mergeNodes(old.value, entry.value) } : entry);
  }
  return map(entries, later.at);
}
