import type { Place } from '@ostler/core';
import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Pair, parseAllDocuments, type Scalar, type YAMLMap } from 'yaml';
import { trouble } from '../troubles.ts';
import { type Entry, listNode, type Mark, mapNode, type Node, scalarNode } from './node.ts';
import { plainScalar } from './plain-scalar.ts';
import { Text } from './text.ts';

/** Far above any Compose file; below what aliases of aliases can unfold to. */
const most = { depth: 64, nodes: 200_000 } as const;
const unsafeKeys = new Set(['__proto__', 'constructor', 'prototype']);

/** One Compose file as values with places; variables are not filled in yet. null = there is nothing in it. Throws a failure at the first thing that is no YAML. */
export function parseCompose(text: string, file: string, base: string): Node | null {
  const lines = new LineCounter();
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  refuseDeep(text, file);
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false, version: '1.2', merge: true, logLevel: 'silent' });
  if (!Array.isArray(documents) || documents.length === 0) return null;
  const [document, second] = documents as Document.Parsed[];
  if (!document) return null;
  const fault = document.errors[0];
  if (fault) throw trouble(`not valid YAML: ${sentence(fault.message)}`, placeAt(fault.pos[0]));
  if (second) throw trouble('a second document begins here; a Compose file is one document', placeAt(second.range[0]), 'Put it into a file of its own.');
  if (!document.contents || (isScalar(document.contents) && document.contents.value === null)) return null;
  return new Walk(document, placeAt, base).node(document.contents, 0);
}

class Walk {
  readonly #document: Document.Parsed;
  readonly #placeAt: (offset: number) => Place;
  readonly #base: string;
  readonly #open = new Set<unknown>();
  #count = 0;

  constructor(document: Document.Parsed, placeAt: (offset: number) => Place, base: string) {
    this.#document = document;
    this.#placeAt = placeAt;
    this.#base = base;
  }

  node(value: unknown, depth: number): Node {
    const at = this.#at(value);
    this.#count += 1;
    if (depth > most.depth) throw trouble(`nested more than ${most.depth} levels deep`, at);
    if (this.#count > most.nodes) throw trouble(`more than ${most.nodes} values, aliases counted as what they stand for`, at);
    if (isAlias(value)) return this.#alias(value, at, depth);
    const mark = markOf((value as { tag?: string } | null)?.tag, at);
    if (isScalar(value)) return { ...this.#scalar(value, at), mark };
    if (!isSeq(value) && !isMap(value)) return scalarNode(null, { at, base: this.#base });
    this.#open.add(value);
    const made = isSeq(value)
      ? listNode(
          value.items.map((item) => this.node(item, depth + 1)),
          { at, mark },
        )
      : mapNode(this.#entries(value, depth), { at, mark });
    this.#open.delete(value);
    return made;
  }

  #alias(alias: Alias, at: Place, depth: number): Node {
    const target = alias.resolve(this.#document);
    if (!target) throw trouble(`\`*${alias.source}\` refers to an anchor that was not set before it`, at, `Set it with \`&${alias.source}\` further up.`);
    if (this.#open.has(target)) throw trouble(`\`*${alias.source}\` stands inside of what it refers to`, at);
    return { ...this.node(target, depth), at };
  }

  #scalar(value: Scalar, at: Place): Node {
    const isPlain = value.type === 'PLAIN' || value.type === undefined || value.type === null;
    const source = value.source ?? (value.value === null ? '' : String(value.value));
    const isText = value.tag === 'tag:yaml.org,2002:str';
    const text = isPlain && !isText ? plainScalar(source) : isPlain ? source : String(value.value);
    if (text?.includes('\0')) throw trouble('a NUL character stands here', at);
    return { ...scalarNode(text === null ? null : Text.of(text), { at, base: this.#base }), source: isPlain ? source : null };
  }

  #entries(value: YAMLMap, depth: number): ReadonlyMap<string, Entry> {
    const entries = new Map<string, Entry>();
    const merged = new Map<string, Entry>();
    for (const pair of value.items as Pair[]) {
      const at = this.#at(pair.key);
      if (isMergeKey(pair.key)) {
        for (const [key, entry] of this.#merged(pair.value, at, depth)) if (!merged.has(key)) merged.set(key, entry);
        continue;
      }
      const key = this.#key(pair.key, at);
      const first = entries.get(key);
      if (first) throw trouble(`\`${key}\` is given twice; the first is in line ${first.at.line}`, at, 'Remove one of the two.');
      entries.set(key, { at, value: pair.value === null ? scalarNode(null, { at, base: this.#base }) : this.node(pair.value, depth + 1) });
    }
    for (const [key, entry] of merged) if (!entries.has(key)) entries.set(key, entry);
    return entries;
  }

  #merged(value: unknown, at: Place, depth: number): readonly [string, Entry][] {
    const node = this.node(value, depth + 1);
    return (node.is === 'list' ? node.items : [node]).flatMap((part) => {
      if (part.is !== 'map') throw trouble('`<<` takes a map, or a list of maps', at);
      return [...part.entries];
    });
  }

  #key(key: unknown, at: Place): string {
    const target = isAlias(key) ? key.resolve(this.#document) : key;
    if (!isScalar(target)) throw trouble('a key must be a text; a list or a map stands here', at, 'Was a `{` or `[` meant to be a value, or in quotes?');
    const text = target.type === 'PLAIN' ? (target.source ?? '') : String(target.value);
    if (unsafeKeys.has(text)) throw trouble(`\`${text}\` cannot be used as a key`, at, 'Choose another name.');
    return text;
  }

  #at(value: unknown): Place {
    return this.#placeAt((value as { range?: readonly number[] | null } | null)?.range?.[0] ?? 0);
  }
}

function markOf(tag: string | undefined, at: Place): Mark {
  if (tag === '!reset') return 'reset';
  if (tag === '!override') return 'override';
  if (tag === undefined || /^tag:yaml\.org,2002:(map|seq|str|int|float|bool|null)$/.test(tag)) return null;
  throw trouble(`the tag \`${tag}\` is not understood; Compose has !reset and !override`, at, 'Write the value without it.');
}

const isMergeKey = (key: unknown): boolean => isScalar(key) && (key.value === '<<' || typeof key.value === 'symbol') && key.type === 'PLAIN';

/** The parser is recursive: what nests deeper than the bound is refused before it runs. */
function refuseDeep(text: string, file: string): void {
  const brackets = { depth: 0, line: 1 };
  for (const char of text) {
    if (char === '\n') brackets.line += 1;
    if (char === '[' || char === '{') brackets.depth += 1;
    else if ((char === ']' || char === '}') && brackets.depth > 0) brackets.depth -= 1;
    if (brackets.depth > most.depth * 4) throw trouble(`more than ${most.depth} brackets are open`, { file, line: brackets.line, column: 1 });
  }
  const dashes = /^(?:[ ]*(?:[-?:][ ]+)){65,}/m.exec(text);
  if (dashes) throw trouble(`nested more than ${most.depth} levels deep`, { file, line: text.slice(0, dashes.index).split('\n').length, column: 1 });
}

function sentence(message: string): string {
  const plain = message.split('\n')[0]!.replace(/ at line \d+.*$/, '');
  return plain.charAt(0).toLowerCase() + plain.slice(1);
}
