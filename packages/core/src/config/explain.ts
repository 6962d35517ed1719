import type { Place } from '../base/problem.ts';
import { shown } from './issues.ts';
import type { MapNode, Node, Path } from './node.ts';

/** One value of the merged file and where it comes from. */
export interface Origin {
  /** `workers.web.env.LOG_LEVEL` */
  readonly field: string;
  /** The value; `<from environment NAME>` where a variable of the environment went in, since that may be a secret. */
  readonly value: string | number | boolean | null;
  readonly place: Place;
}

/** Every value of a merged host file, in the order of the file: what `ostler config` prints. */
export function explain(root: MapNode): readonly Origin[] {
  const origins: Origin[] = [];
  const walk = (node: Node, path: Path): void => {
    if (node.is === 'map') for (const [key, entry] of node.entries) walk(entry.value, [...path, key]);
    else if (node.is === 'list') for (const [index, item] of node.items.entries()) walk(item, [...path, index]);
    else
      origins.push({ field: shown('', path), value: node.fromEnv.length > 0 ? `<from environment ${node.fromEnv.join(', ')}>` : node.value, place: node.at });
    if ((node.is === 'map' && node.entries.size === 0) || (node.is === 'list' && node.items.length === 0))
      origins.push({ field: shown('', path), value: node.is === 'map' ? '{}' : '[]', place: node.at });
  };
  walk(root, []);
  return origins;
}

/** The merged file as plain data, values from the environment masked. */
export function maskedJson(node: Node): unknown {
  if (node.is === 'map') return Object.fromEntries([...node.entries].map(([key, entry]) => [key, maskedJson(entry.value)]));
  if (node.is === 'list') return node.items.map(maskedJson);
  return node.fromEnv.length > 0 ? `<from environment ${node.fromEnv.join(', ')}>` : node.value;
}
