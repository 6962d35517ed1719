import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Pair, parseAllDocuments, type Scalar, type YAMLMap } from 'yaml';
import type { Place } from '../base/problem.ts';
import { Budget, bounds, duplicateKey, syntaxProblem } from './bounds.ts';
import { type Entry, list, map, type Node, scalar } from './node.ts';

/** YAML 1.2 (core schema), one document. Anchors and `<<` work; what they unfold to is counted. */
export function parseYaml(text: string, file: string): Node | null {
  const lines = new LineCounter();
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  refuseDeep(text, file);
  // uniqueKeys is ours: the message says where the first one stands
  const documents = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: false, prettyErrors: false, version: '1.2', schema: 'core', merge: true });
  if (!Array.isArray(documents) || documents.length === 0) return null;
  const [document, second] = documents as Document.Parsed[];
  if (!document) return null;
  const fault = document.errors[0];
  if (fault) throw syntaxProblem(...explain(fault.code, fault.message, text, fault.pos[0]), placeAt(fault.pos[0]));
  if (second) throw syntaxProblem('a second document begins here; a host file is one document', placeAt(second.range[0]), 'Remove the `---`.');
  if (!document.contents || (isScalar(document.contents) && document.contents.value === null && !document.contents.source)) return null;
  return new Walk(document, placeAt).node(document.contents, 0);
}

class Walk {
  readonly #document: Document.Parsed;
  readonly #placeAt: (offset: number) => Place;
  readonly #budget = new Budget();
  readonly #open = new Set<unknown>();

  constructor(document: Document.Parsed, placeAt: (offset: number) => Place) {
    this.#document = document;
    this.#placeAt = placeAt;
  }

  node(value: unknown, depth: number): Node {
    const at = this.#at(value);
    this.#budget.node(at, depth);
    if (isAlias(value)) return this.#alias(value, at, depth);
    if (isScalar(value)) return this.#scalar(value, at);
    const tag = (value as { tag?: string } | null)?.tag;
    if (tag && !/^tag:yaml\.org,2002:(map|seq)$/.test(tag)) throw syntaxProblem(`the tag \`${tag}\` is not understood`, at, 'Write the value without a tag.');
    if (isSeq(value)) {
      this.#open.add(value);
      const items = value.items.map((item) => this.node(item, depth + 1));
      this.#open.delete(value);
      return list(items, at);
    }
    if (isMap(value)) {
      this.#open.add(value);
      const entries = this.#entries(value, depth);
      this.#open.delete(value);
      return map(entries, at);
    }
    return scalar(null, at);
  }

  #alias(alias: Alias, at: Place, depth: number): Node {
    const target = alias.resolve(this.#document);
    if (!target) throw syntaxProblem(`\`*${alias.source}\` refers to an anchor that was not set before it`, at, `Set it with \`&${alias.source}\` further up.`);
    if (this.#open.has(target)) throw syntaxProblem(`\`*${alias.source}\` stands inside of what it refers to`, at);
    const node = this.node(target, depth);
    // errors shall point to the use, which is where a person changes it
    return { ...node, at };
  }

  #scalar(value: Scalar, at: Place): Node {
    if (value.tag && !/^tag:yaml\.org,2002:(str|int|float|bool|null)$/.test(value.tag))
      throw syntaxProblem(`the tag \`${value.tag}\` is not understood`, at, 'Write the value without a tag.');
    const isPlain = value.type === 'PLAIN';
    const raw = value.value;
    if (typeof raw === 'bigint' || (typeof raw === 'number' && !Number.isFinite(raw))) return scalar(value.source ?? String(raw), at);
    if (raw === null || typeof raw === 'string' || typeof raw === 'number' || typeof raw === 'boolean') {
      const isExact = raw === null || typeof raw === 'string' || value.source === String(raw);
      return scalar(raw, at, { isPlain, lossyText: isExact ? null : (value.source ?? String(raw)) });
    }
    throw syntaxProblem('expected a text, a number, true, false or null', at);
  }

  #entries(value: YAMLMap, depth: number): ReadonlyMap<string, Entry> {
    const entries = new Map<string, Entry>();
    const merged = new Map<string, Entry>();
    for (const pair of value.items as Pair[]) {
      const at = this.#at(pair.key);
      if (isMergeKey(pair.key)) {
        for (const [key, entry] of this.#merge(pair.value, at, depth)) if (!merged.has(key)) merged.set(key, entry);
        continue;
      }
      const key = this.#key(pair.key, at);
      const first = entries.get(key);
      if (first) throw duplicateKey(key, first.at, at);
      entries.set(key, { at, value: pair.value === null ? scalar(null, at) : this.node(pair.value, depth + 1) });
    }
    for (const [key, entry] of merged) if (!entries.has(key)) entries.set(key, entry);
    return entries;
  }

  #merge(value: unknown, at: Place, depth: number): readonly [string, Entry][] {
    const node = this.node(value, depth + 1);
    const parts = node.is === 'list' ? node.items : [node];
    return parts.flatMap((part) => {
      if (part.is !== 'map') throw syntaxProblem('`<<` takes a map, or a list of maps', at);
      return [...part.entries];
    });
  }

  #key(key: unknown, at: Place): string {
    const target = isAlias(key) ? key.resolve(this.#document) : key;
    if (!isScalar(target)) throw syntaxProblem('a key must be a text; a list or a map stands here', at, 'Was a `{` or `[` meant to be a value, or in quotes?');
    if (typeof target.value !== 'string')
      throw syntaxProblem(
        `a key must be a text; \`${target.source ?? target.value}\` is ${target.value === null ? 'empty' : `a ${typeof target.value}`}`,
        at,
        'Put it in quotes.',
      );
    this.#budget.key(target.value, at);
    return target.value;
  }

  #at(value: unknown): Place {
    return this.#placeAt((value as { range?: readonly number[] | null } | null)?.range?.[0] ?? 0);
  }
}

const isMergeKey = (key: unknown): boolean => isScalar(key) && (key.value === '<<' || typeof key.value === 'symbol') && key.type === 'PLAIN';

/** The parser is recursive: what nests deeper than the bound is refused before it runs. */
function refuseDeep(text: string, file: string): void {
  let depth = 0;
  let line = 1;
  let column = 0;
  for (const char of text) {
    column += 1;
    if (char === '\n') {
      line += 1;
      column = 0;
    }
    if (char === '[' || char === '{') depth += 1;
    else if ((char === ']' || char === '}') && depth > 0) depth -= 1;
    if (depth > bounds.depth * 4) throw syntaxProblem(`more than ${bounds.depth} brackets are open`, { file, line, column });
  }
  const dashes = /^(?:[ ]*(?:[-?:][ ]+)){65,}/m.exec(text);
  if (dashes) throw syntaxProblem(`nested more than ${bounds.depth} levels deep`, { file, line: text.slice(0, dashes.index).split('\n').length, column: 1 });
}

function explain(code: string, message: string, text: string, offset: number): [string] {
  if (code === 'TAB_AS_INDENT' || text[offset] === '\t') return ['a tab stands where YAML wants spaces'];
  if (code === 'BAD_ALIAS') return [message];
  const plain = message.split('\n')[0]!.replace(/ at line \d+.*$/, '');
  return [`not valid YAML: ${plain.charAt(0).toLowerCase()}${plain.slice(1)}`];
}
