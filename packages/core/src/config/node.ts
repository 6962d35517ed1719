import type { Json } from '@ostler/sdk';
import type { Place } from '../base/problem.ts';

/**
 * A value of a host file with the place it was written at. All loaders make this one form, so that merging, variables and errors keep
 * file:line:column whatever the file's syntax.
 */
export type Node = MapNode | ListNode | ScalarNode;

export interface MapNode {
  readonly is: 'map';
  readonly at: Place;
  readonly entries: ReadonlyMap<string, Entry>;
}
export interface Entry {
  /** Where the key stands. */
  readonly at: Place;
  readonly value: Node;
}
export interface ListNode {
  readonly is: 'list';
  readonly at: Place;
  readonly items: readonly Node[];
}
export interface ScalarNode {
  readonly is: 'scalar';
  readonly at: Place;
  readonly value: string | number | boolean | null;
  /** Written without quotes in a syntax that guesses the type (YAML): a variable that stands alone may become a number. */
  readonly isPlain: boolean;
  /** The text in the file, if it reads otherwise than the value prints: `1.10`, `0o17`, `True`. */
  readonly lossyText: string | null;
  /** Names of environment variables that went into it. */
  readonly fromEnv: readonly string[];
}

export type Path = readonly (string | number)[];

export const scalar = (value: ScalarNode['value'], at: Place, more: Partial<ScalarNode> = {}): ScalarNode => ({
  is: 'scalar',
  at,
  value,
  isPlain: false,
  lossyText: null,
  fromEnv: [],
  ...more,
});
export const map = (entries: ReadonlyMap<string, Entry>, at: Place): MapNode => ({ is: 'map', at, entries });
export const list = (items: readonly Node[], at: Place): ListNode => ({ is: 'list', at, items });

/** Plain JSON of a node. Keys are set as own properties whatever they are called. */
export function toJson(node: Node): Json {
  if (node.is === 'scalar') return node.value;
  if (node.is === 'list') return node.items.map(toJson);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toJson(entry.value)]));
}

/** The node at a path, or undefined. */
export function nodeAt(node: Node, path: Path): Node | undefined {
  let here: Node | undefined = node;
  for (const step of path) {
    if (here?.is === 'map') here = here.entries.get(String(step))?.value;
    else if (here?.is === 'list' && typeof step === 'number') here = here.items[step];
    else return undefined;
  }
  return here;
}

/** Where a path stands: the value itself, or the nearest thing around it that the file does have. `key`: where the last key stands. */
export function placeAt(node: Node, path: Path, want: 'value' | 'key' = 'value'): Place {
  let here: Node = node;
  let at = node.at;
  for (const [index, step] of path.entries()) {
    if (here.is === 'map') {
      const entry = here.entries.get(String(step));
      if (!entry) return at;
      const isLast = index === path.length - 1;
      // an empty value stands nowhere: its key tells more
      const isEmpty = entry.value.is === 'scalar' && entry.value.value === null;
      at = (isLast && want === 'key') || isEmpty ? entry.at : entry.value.at;
      // a value that was merged from several files is best named by its key
      if (!isLast || want === 'value') at = entry.value.is === 'map' ? entry.at : at;
      here = entry.value;
    } else if (here.is === 'list' && typeof step === 'number' && here.items[step]) {
      here = here.items[step];
      at = here.at;
    } else return at;
  }
  return at;
}

/** A copy with `path` set; intermediate maps are made. */
export function withNode(node: MapNode, path: Path, value: Node): MapNode {
  const [step, ...rest] = path;
  const key = String(step);
  const old = node.entries.get(key);
  const entries = new Map(node.entries);
  const inner = old?.value.is === 'map' ? old.value : map(new Map(), value.at);
  entries.set(key, { at: old?.at ?? value.at, value: rest.length === 0 ? value : withNode(inner, rest, value) });
  return { ...node, entries };
}

export function without(node: MapNode, ...keys: readonly string[]): MapNode {
  const entries = new Map(node.entries);
  for (const key of keys) entries.delete(key);
  return { ...node, entries };
}
