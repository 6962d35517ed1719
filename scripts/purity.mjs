// The pure rooms of core (layer 1) can be run by a simulator: no clock, no chance, no I/O, nor anything they load within core.
import { layers, roomOf } from './layers.mjs';
import { packageSources } from './sources.mjs';

/** Every impure thing that a file of layer 1 does or loads, a line each. @param {string} root */
export function purityViolations(root) {
  const sources = packageSources(root).filter((source) => source.package === 'core');
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const found = new Map();
  for (const source of sources) if (layers[roomOf(source.file)] === 1) visit(source, source, byPath, found);
  return [...found.values()].flat();
}

function visit(source, asked, byPath, found) {
  if (found.has(source.path)) return;
  found.set(source.path, []);
  const wrong = [
    ...source.imports.filter((i) => !i.type && i.target.startsWith('node:')).map((i) => `imports ${i.target}`),
    ...new Set(source.uses.map((use) => `uses ${use}`)),
  ];
  const why = source === asked ? 'belongs to a pure room' : `is loaded by ${asked.here}, which is pure`;
  if (wrong.length > 0) found.set(source.path, [`${source.here}: ${why}, but ${wrong.join(', ')}`]);
  for (const { path, type } of source.imports) {
    const next = !type && path !== null && byPath.get(path);
    if (next) visit(next, asked, byPath, found);
  }
}
