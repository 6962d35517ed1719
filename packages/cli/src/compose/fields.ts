import type { Place } from '@ostler/core';
import { entryOf, kindOf, type MapNode, type Node, type ScalarNode } from './file/node.ts';
import type { Text } from './file/text.ts';
import type { Notes } from './notes.ts';
import { parseDuration, parseSize } from './quantity.ts';
import type { Troubles } from './troubles.ts';

export interface Reading {
  readonly troubles: Troubles;
  readonly notes: Notes;
  /** The service, volume or network; null = the file. */
  readonly of: string | null;
}

/** Of a text whose variables could not be kept. */
export const filledIn = (text: Text): string =>
  `it had to be written in another form, so ${[...new Set(text.uses.map(({ name }) => name))].join(', ')} was filled in as it is now`;

/** What to do about a text that says too little because of them; undefined = it has none. */
export const setThem = (text: Text | null): string | undefined =>
  text === null || text.unset.length === 0
    ? undefined
    : `${text.unset.map((name) => `\${${name}}`).join(', ')} has no value: set it in \`.env\` beside the Compose file, in a file named with --env-file, or in the environment.`;

/** The fields of one map of a Compose file. What is of another kind than it should be is told, and counts as not there. */
export class Fields {
  readonly #node: MapNode;
  /** `services.web.build`, for people. */
  readonly where: string;
  /** `build`: what notes call it; '' = the service itself. */
  readonly #name: string;
  readonly #reading: Reading;

  constructor(node: MapNode, where: string, reading: Reading, name = '') {
    this.#node = node;
    this.where = where;
    this.#name = name;
    this.#reading = reading;
  }

  get place(): Place {
    return this.#node.at;
  }

  get names(): readonly string[] {
    return [...this.#node.entries.keys()].filter((key) => !key.startsWith('x-'));
  }

  /** undefined: it is not written, or nothing stands there. */
  node(key: string): Node | undefined {
    const node = entryOf(this.#node, key);
    return node?.is === 'scalar' && node.text === null ? undefined : node;
  }

  has(key: string): boolean {
    return this.node(key) !== undefined;
  }

  /** Of the key. */
  at(key: string): Place {
    return this.#node.entries.get(key)?.at ?? this.#node.at;
  }

  scalar(key: string): ScalarNode | null {
    const node = this.node(key);
    if (node === undefined) return null;
    if (node.is === 'scalar') return node;
    this.bad(key, `expected a single value; found ${kindOf(node)}`);
    return null;
  }

  text(key: string): Text | null {
    return this.scalar(key)?.text ?? null;
  }

  /** A text that is understood here, not only handed on: its variables are filled in for good. */
  now(key: string): string | null {
    const text = this.text(key);
    if (text === null) return null;
    if (!text.isPlain) this.differs(key, filledIn(text));
    return text.now;
  }

  flag(key: string): boolean | null {
    const text = this.now(key);
    if (text === null) return null;
    if (/^(true|yes|y|on|1)$/i.test(text)) return true;
    if (/^(false|no|n|off|0|)$/i.test(text)) return false;
    this.bad(key, `expected true or false; found \`${text.slice(0, 40)}\``);
    return null;
  }

  number(key: string): number | null {
    const text = this.now(key);
    if (text === null || text === '') return null;
    const value = Number(text);
    if (Number.isFinite(value)) return value;
    this.bad(key, `expected a number; found \`${text.slice(0, 40)}\``);
    return null;
  }

  /** In ms. */
  duration(key: string): number | null {
    const text = this.now(key);
    if (text === null || text === '') return null;
    const ms = parseDuration(text);
    if (ms === null) this.bad(key, `expected a duration with its unit, such as \`30s\` or \`1m30s\`; found \`${text.slice(0, 40)}\``);
    return ms;
  }

  /** In bytes; -1 stands for itself. */
  size(key: string): number | null {
    const text = this.now(key);
    if (text === null || text === '') return null;
    const bytes = parseSize(text);
    if (bytes === null) this.bad(key, `expected a size, such as \`512m\` or \`1g\`; found \`${text.slice(0, 40)}\``);
    return bytes;
  }

  list(key: string): readonly Node[] {
    const node = this.node(key);
    if (node === undefined) return [];
    if (node.is === 'list') return node.items;
    this.bad(key, `expected a list; found ${kindOf(node)}`);
    return [];
  }

  /** A list of single values. */
  texts(key: string): readonly { readonly text: Text; readonly at: Place }[] {
    return this.list(key).flatMap((item) => {
      if (item.is === 'scalar' && item.text !== null) return [{ text: item.text, at: item.at }];
      this.#reading.troubles.add(`${this.where}.${key}: expected a single value; found ${kindOf(item)}`, item.at);
      return [];
    });
  }

  map(key: string): Fields | null {
    const node = this.node(key);
    if (node === undefined) return null;
    if (node.is === 'map') return this.within(node, key);
    this.bad(key, `expected a map; found ${kindOf(node)}`);
    return null;
  }

  /** A map below this one, such as an item of a list. */
  within(node: MapNode, key: string): Fields {
    return new Fields(node, `${this.where}.${key}`, this.#reading, this.#field(key));
  }

  /** Names and single values; null = only the name stands there. */
  pairs(key: string): readonly { readonly name: string; readonly text: Text | null; readonly source: string | null; readonly at: Place }[] {
    const fields = this.map(key);
    return (fields?.names ?? []).flatMap((name) => {
      const node = entryOf(fields!.#node, name)!;
      if (node.is === 'scalar') return [{ name, text: node.text, source: node.source, at: fields!.at(name) }];
      this.#reading.troubles.add(`${this.where}.${key}.${name}: expected a single value; found ${kindOf(node)}`, node.at);
      return [];
    });
  }

  /** Tells of every field that is none of these. */
  only(known: readonly string[]): void {
    for (const name of this.names) if (!known.includes(name)) this.#reading.troubles.unknown(name, this.where, known, this.at(name));
  }

  /** Something that is wrong. */
  bad(key: string, message: string, hint?: string): void {
    this.#reading.troubles.add(`${this.where}${key === '' ? '' : `.${key}`}: ${message}`, this.#valueAt(key), hint);
  }

  /** Something that is not carried over. `key` '' = the whole of it. */
  left(key: string, text: string): void {
    this.#reading.notes.left({ of: this.#reading.of, field: this.#field(key), text, at: this.at(key) });
  }

  differs(key: string, text: string): void {
    this.#reading.notes.differs({ of: this.#reading.of, field: this.#field(key), text, at: this.at(key) });
  }

  #field(key: string): string {
    return [this.#name, key].filter((part) => part !== '').join('.');
  }

  #valueAt(key: string): Place {
    const node = entryOf(this.#node, key);
    return node === undefined || (node.is === 'scalar' && node.text === null) || node.is === 'map' ? this.at(key) : node.at;
  }
}
