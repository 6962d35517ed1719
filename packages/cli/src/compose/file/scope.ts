import type { Place } from '@ostler/core';
import type { Notes } from '../notes.ts';
import type { Troubles } from '../troubles.ts';
import type { EnvFile } from './dotenv.ts';
import { listNode, mapNode, type Node } from './node.ts';
import { BadTemplate, type Part, parseTemplate, type Variable } from './template.ts';
import { type Piece, Text, type Use } from './text.ts';

/** Where the value of a variable comes from. */
export type Origin =
  | { readonly from: 'file'; readonly file: EnvFile; readonly text: Text }
  | { readonly from: 'environment'; readonly value: string }
  /** What only Compose knows, and what is different in another place: filled in for good. */
  | { readonly from: 'import'; readonly value: string }
  | { readonly from: 'nowhere' };

export interface ScopeGiven {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Later ones go before earlier ones. */
  readonly files: readonly EnvFile[];
  /** COMPOSE_PROJECT_NAME, PWD, HOME. */
  readonly fixed: ReadonlyMap<string, string>;
  readonly troubles: Troubles;
  readonly notes: Notes;
  /** What each variable that is kept stands for, over all files: a host file has one of a name. */
  readonly kept: Map<string, Origin>;
  /** Every variable that some env file sets. */
  readonly everywhere: Map<string, Origin>;
  /** All env files, those of included projects first: what a later one sets goes before what an earlier one does. */
  readonly ranked: EnvFile[];
}

/** The variables of Compose files: the environment goes before env files. */
export class Scope {
  readonly #given: ScopeGiven;
  readonly #known = new Map<string, Origin>();

  constructor(given: ScopeGiven, outer?: Scope) {
    this.#given = given;
    given.ranked.splice(outer === undefined ? given.ranked.length : 0, 0, ...given.files);
    for (const [name, value] of given.fixed) this.#known.set(name, { from: 'import', value });
    for (const file of given.files) this.#read(file, outer);
    // Those around an included project go before its own files.
    for (const [name, origin] of outer === undefined ? [] : outer.#known) this.#known.set(name, origin);
    for (const [name, origin] of this.#known) if (!given.everywhere.has(name)) given.everywhere.set(name, origin);
  }

  #read(file: EnvFile, outer: Scope | undefined): void {
    for (const [name, { parts, at }] of file.lines) {
      const known = this.#known.get(name);
      if (known?.from === 'import') continue;
      if (parts === null) continue;
      const text = this.fill(parts, at);
      const set = this.#given.env[name];
      if (set !== undefined && set !== text.now) continue;
      const other = outer?.origin(name);
      if (other !== undefined && other.from !== 'nowhere') continue;
      this.#known.set(name, { from: 'file', file, text });
    }
  }

  /** For a project that is included, with env files of its own. */
  within(files: readonly EnvFile[]): Scope {
    return files.length === 0 ? this : new Scope({ ...this.#given, files }, this);
  }

  origin(name: string): Origin {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const value = this.#given.env[name];
    return value === undefined ? { from: 'nowhere' } : { from: 'environment', value };
  }

  get envFiles(): readonly EnvFile[] {
    return this.#given.ranked;
  }

  /** What a variable that was kept stands for. */
  keptOrigin(name: string): Origin {
    return this.#given.kept.get(name) ?? this.origin(name);
  }

  /** A variable as a text of its own; null = nothing sets it, here or in a project that is included. */
  fromAnywhere(name: string): Text | null {
    const own = this.origin(name);
    const origin = own.from === 'nowhere' ? (this.#given.everywhere.get(name) ?? own) : own;
    if (origin.from === 'nowhere') return null;
    const now = currentValue(origin) ?? '';
    return this.#keeps(name, origin) ? new Text([{ kept: `\${${name}}`, now, uses: [{ name, isBare: true }] }]) : Text.of(now);
  }

  /** Whether it can stay a variable: it is not filled in for good, and no other one has its name. */
  #keeps(name: string, origin: Origin): boolean {
    if (origin.from === 'import') return false;
    const known = this.#given.kept.get(name) ?? origin;
    this.#given.kept.set(name, known);
    return known === origin || (known.from === origin.from && (known.from !== 'file' || origin.from !== 'file' || known.file.path === origin.file.path));
  }

  /** What it is now; undefined = it is not set. */
  value(name: string): string | undefined {
    return currentValue(this.origin(name));
  }

  /** A copy in which all texts have their variables; keys, and fields of a person's own, are left alone. */
  filled(node: Node): Node {
    if (node.is === 'list')
      return listNode(
        node.items.map((item) => this.filled(item)),
        node,
      );
    if (node.is === 'map') {
      const entries = [...node.entries].map(([key, entry]) => [key, key.startsWith('x-') ? entry : { ...entry, value: this.filled(entry.value) }] as const);
      return mapNode(new Map(entries), node);
    }
    if (node.text === null || !node.text.now.includes('$')) return node;
    try {
      return { ...node, text: this.fill(parseTemplate(node.text.now), node.at) };
    } catch (error) {
      if (!(error instanceof BadTemplate)) throw error;
      this.#given.troubles.add(error.message, node.at);
      return { ...node, text: Text.of('unknown') };
    }
  }

  fill(parts: readonly Part[], at: Place): Text {
    return new Text(parts.flatMap((part) => (typeof part === 'string' ? [part] : this.#piece(part, at))));
  }

  #piece(part: Variable, at: Place): readonly Piece[] {
    const { name, operator } = part;
    const value = this.value(name);
    const rest = this.fill(part.rest, at);
    const isMissing = value === undefined || (value === '' && operator?.startsWith(':') === true);
    if (operator === ':+' || operator === '+') {
      this.#given.notes.differs({
        ...{ at, field: `\${${name}${operator}…}` },
        text: `a host file has no \`${operator}\`: what stands there while ${name} is ${isMissing ? 'not set' : 'set'} was written down`,
      });
      return isMissing ? [] : rest.pieces;
    }
    if (isMissing && (operator === ':?' || operator === '?')) {
      this.#given.troubles.add(
        `the variable ${name} has no value, and is required${rest.now === '' ? '' : `: ${rest.now}`}`,
        at,
        'Set it in `.env` beside the Compose file, in a file named with --env-file, or in the environment.',
      );
      // Anything, so that nothing is told to be missing twice.
      return [name];
    }
    if (this.origin(name).from === 'import') {
      if (name !== 'COMPOSE_PROJECT_NAME')
        this.#given.notes.differs({ at, field: `\${${name}}`, text: `an agent may have another one, so the one of now was written down: ${value ?? ''}` });
      return [value ?? ''];
    }
    if (!this.#keeps(name, this.origin(name))) {
      this.#given.notes.differs({ at, field: `\${${name}}`, text: 'projects that are included have values of their own for it: this one was written down' });
      return isMissing ? rest.pieces : [value ?? ''];
    }
    const own: Use = { name, isBare: operator === null };
    if (operator === null || (value === '' && !operator.startsWith(':'))) return [{ kept: `\${${name}}`, now: value ?? '', uses: [{ name, isBare: true }] }];
    // A brace would end the variable of the host file too early.
    const isWritable = rest.pieces.every((piece) => typeof piece !== 'string' || !/[{}]/.test(piece));
    if (!isWritable) return isMissing ? rest.pieces : [{ kept: `\${${name}}`, now: value ?? '', uses: [{ name, isBare: true }] }];
    const asks = operator === ':?' || operator === '?';
    const kept = `\${${name}:${asks ? '?' : '-'}${rest.kept}}`;
    return [{ kept, now: isMissing ? rest.now : (value ?? ''), uses: [own, ...rest.uses] }];
  }
}

const currentValue = (origin: Origin): string | undefined => (origin.from === 'nowhere' ? undefined : origin.from === 'file' ? origin.text.now : origin.value);
