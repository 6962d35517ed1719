// No file may import itself, over however many others and even for a type alone: what goes round cannot be read or moved alone.
import { relative } from 'node:path';
import { packageSources } from './sources.mjs';

/** Every import cycle with its path, a line each. @param {string} root */
export function importCycles(root) {
  const graph = new Map(packageSources(root).map((source) => [source.path, source.imports.flatMap(({ path }) => path ?? [])]));
  const done = new Set();
  const found = [];
  const visit = (node, trail) => {
    if (done.has(node)) return;
    const at = trail.indexOf(node);
    if (at >= 0) {
      found.push(`import cycle: ${[...trail.slice(at), node].map((path) => relative(root, path)).join(' -> ')}`);
      return;
    }
    for (const next of graph.get(node) ?? []) visit(next, [...trail, node]);
    done.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return found;
}
