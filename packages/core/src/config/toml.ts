import { type AST, parseTOML } from 'toml-eslint-parser';
import type { Place } from '../base/problem.ts';
import { Budget, bounds, duplicateKey, syntaxProblem } from './bounds.ts';
import { type Entry, list, type MapNode, map, type Node, scalar } from './node.ts';
import { placeOf } from './read.ts';

/** While building: tables and lists that may still grow. */
interface Table {
  readonly at: Place;
  readonly table: Map<string, { at: Place; value: Growing | Node }>;
}
interface Rows {
  readonly at: Place;
  readonly rows: (Growing | Node)[];
}
type Growing = Table | Rows;

/** TOML 1.0. */
export function parseToml(text: string, file: string): Node | null {
  const placeAt = placeOf(text, file);
  const bracket = /\[{65,}|(?:[A-Za-z0-9_-]+\.){65,}/.exec(text);
  if (bracket) throw syntaxProblem(`nested more than ${bounds.depth} levels deep`, placeAt(bracket.index));
  let program: AST.TOMLProgram;
  try {
    program = parseTOML(text, { tomlVersion: '1.0' });
  } catch (error) {
    const { lineNumber, column, message } = error as { lineNumber?: number; column?: number; message: string };
    if (lineNumber === undefined)
      throw syntaxProblem(`not valid TOML: ${error instanceof RangeError ? 'nested too deeply' : message}`, { file, line: 1, column: 1 });
    throw syntaxProblem(`not valid TOML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`, { file, line: lineNumber, column: (column ?? 0) + 1 });
  }
  const root = table({ file, line: 1, column: 1 });
  for (const part of program.body[0].body) {
    if (part.type === 'TOMLKeyValue') put(root, part, placeAt);
    else {
      const at = placeAt(part.range[0]);
      const target = descend(root, part.resolvedKey, at);
      for (const pair of part.body) put(target, pair, placeAt);
    }
  }
  if (root.table.size === 0) return null;
  return settle(root, new Budget(), 0);
}

const table = (at: Place): Table => ({ at, table: new Map() });

function descend(root: Table, path: readonly (string | number)[], at: Place): Table {
  let here: Growing | Node = root;
  for (const [index, step] of path.entries()) {
    const next = path[index + 1];
    const fresh = (): Growing => (typeof next === 'number' ? { at, rows: [] } : table(at));
    if (typeof step === 'number') {
      if ('is' in here || !('rows' in here)) throw syntaxProblem('a list and a table share a name', at);
      const rows: (Growing | Node)[] = (here as Rows).rows;
      here = rows[step] ??= table(at);
    } else {
      if ('is' in here || !('table' in here)) throw syntaxProblem('a list and a table share a name', at);
      const entry: { at: Place; value: Growing | Node } = here.table.get(step) ?? { at, value: fresh() };
      here.table.set(step, entry);
      if ('is' in entry.value) throw duplicateKey(step, entry.at, at);
      here = entry.value;
    }
  }
  if ('is' in here || !('table' in here)) throw syntaxProblem('a list and a table share a name', at);
  return here;
}

function put(into: Table, pair: AST.TOMLKeyValue, placeAt: (offset: number) => Place): void {
  const names = pair.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value));
  const last = names.at(-1)!;
  const at = placeAt(pair.key.range[0]);
  const target = descend(into, names.slice(0, -1), at);
  const first = target.table.get(last);
  if (first) throw duplicateKey(last, first.at, at);
  target.table.set(last, { at, value: content(pair.value, placeAt) });
}

function content(value: AST.TOMLContentNode, placeAt: (offset: number) => Place): Growing | Node {
  const at = placeAt(value.range[0]);
  if (value.type === 'TOMLArray') return { at, rows: value.elements.map((item) => content(item, placeAt)) };
  if (value.type === 'TOMLInlineTable') {
    const inner = table(at);
    for (const pair of value.body) put(inner, pair, placeAt);
    return inner;
  }
  if (value.kind === 'integer' || value.kind === 'float') {
    if (!Number.isFinite(value.value) || (value.kind === 'integer' && !Number.isSafeInteger(value.value))) return scalar(value.number, at);
    return scalar(value.value, at, { lossyText: String(value.value) === value.number ? null : value.number });
  }
  // dates are texts in every other syntax
  return scalar('datetime' in value ? value.datetime : value.value, at);
}

function settle(value: Growing | Node, budget: Budget, depth: number): Node {
  budget.node(value.at, depth);
  if ('is' in value) return value;
  if ('rows' in value)
    return list(
      value.rows.map((row) => settle(row, budget, depth + 1)),
      value.at,
    );
  const entries = new Map<string, Entry>();
  for (const [key, entry] of value.table) {
    budget.key(key, entry.at);
    entries.set(key, { at: entry.at, value: settle(entry.value, budget, depth + 1) });
  }
  return map(entries, value.at) satisfies MapNode;
}
