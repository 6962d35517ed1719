import type { Place } from '@ostler/core';
import type { Text } from './text.ts';

/** `!reset` takes a value of an earlier file away, `!override` takes its place instead of being merged with it. */
export type Mark = 'reset' | 'override' | null;

/** A value of a Compose file and where it stands. */
export type Node = MapNode | ListNode | ScalarNode;
export interface MapNode {
  readonly is: 'map';
  readonly at: Place;
  readonly mark: Mark;
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
  readonly mark: Mark;
  readonly items: readonly Node[];
}
export interface ScalarNode {
  readonly is: 'scalar';
  readonly at: Place;
  readonly mark: Mark;
  /** As Compose understands it; null = nothing is written there. */
  readonly text: Text | null;
  /** As it is written, if without quotes: `0444`. */
  readonly source: string | null;
  /** The folder that a relative path in it stands against. */
  readonly base: string;
}

export const mapNode = (entries: ReadonlyMap<string, Entry>, like: Pick<Node, 'at'> & { readonly mark?: Mark }): MapNode => ({
  is: 'map',
  at: like.at,
  mark: like.mark ?? null,
  entries,
});
export const listNode = (items: readonly Node[], like: Pick<Node, 'at'> & { readonly mark?: Mark }): ListNode => ({
  is: 'list',
  at: like.at,
  mark: like.mark ?? null,
  items,
});
export const scalarNode = (text: Text | null, like: Pick<Node, 'at'> & { readonly base?: string }): ScalarNode => ({
  is: 'scalar',
  at: like.at,
  mark: null,
  text,
  source: null,
  base: like.base ?? '.',
});

export const entryOf = (node: Node | undefined, key: string): Node | undefined => (node?.is === 'map' ? node.entries.get(key)?.value : undefined);

/** A copy with this entry. */
export function withEntry(node: MapNode, key: string, value: Node): MapNode {
  const old = node.entries.get(key);
  return mapNode(new Map([...node.entries, [key, { at: old?.at ?? value.at, value }]]), node);
}

/** For people: `a list`. */
export const kindOf = (node: Node): string => (node.is === 'scalar' ? (node.text === null ? 'nothing' : 'a single value') : `a ${node.is}`);

/** Whether two values say the same, wherever they stand. */
export function isSame(a: Node, b: Node): boolean {
  if (a.is === 'scalar' && b.is === 'scalar') return a.text?.kept === b.text?.kept;
  if (a.is === 'list' && b.is === 'list') return a.items.length === b.items.length && a.items.every((item, index) => isSame(item, b.items[index]!));
  if (a.is !== 'map' || b.is !== 'map' || a.entries.size !== b.entries.size) return false;
  return [...a.entries].every(([key, { value }]) => {
    const other = b.entries.get(key);
    return other !== undefined && isSame(value, other.value);
  });
}
