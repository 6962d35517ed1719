import { type Place, problem } from '../base/problem.ts';
import { nearest } from '../spec/nearest.ts';
import { bounds } from './bounds.ts';
import { list, map, type Node, type ScalarNode } from './node.ts';

/** What a variable stands for. */
export interface Variable {
  readonly value: string | number | boolean;
  readonly fromEnv: readonly string[];
}

export interface Scope {
  /** The value, or null if there is no such variable or it has none. Throws a problem of its own for a circle. */
  get(name: string, at: Place): Promise<Variable | null>;
  readonly names: readonly string[];
}

/** A text taken apart. `${A:-${B}}` nests. */
type Part = string | { readonly name: string; readonly otherwise: { readonly is: 'default' | 'required'; readonly parts: readonly Part[] } | null };

/** Counts text over a whole file, so that variables that double each other end early. */
export class TextBudget {
  #total = 0;
  spend(length: number, at: Place): void {
    this.#total += length;
    if (length > bounds.textLength || this.#total > bounds.totalTextLength)
      throw problem({
        code: 'host-file-invalid',
        message: `variables unfold to more than ${(length > bounds.textLength ? bounds.textLength : bounds.totalTextLength) / 1024} KiB of text`,
        place: at,
      });
  }
}

/** A copy of the node in which all texts have their variables filled in. Keys are left alone. */
export async function interpolate(node: Node, scope: Scope, budget: TextBudget): Promise<Node> {
  if (node.is === 'list') {
    const items: Node[] = [];
    for (const item of node.items) items.push(await interpolate(item, scope, budget));
    return list(items, node.at);
  }
  if (node.is === 'map') {
    const entries = new Map(node.entries);
    for (const [key, entry] of node.entries) entries.set(key, { at: entry.at, value: await interpolate(entry.value, scope, budget) });
    return map(entries, node.at);
  }
  return interpolateScalar(node, scope, budget);
}

export async function interpolateScalar(node: ScalarNode, scope: Scope, budget: TextBudget): Promise<ScalarNode> {
  if (typeof node.value !== 'string' || !node.value.includes('$')) return node;
  const parts = parse(node.value, node.at);
  const fromEnv = new Set(node.fromEnv);
  const values: (string | number | boolean)[] = [];
  for (const part of parts) values.push(await fill(part, node.at, scope, fromEnv, 0));
  const text = values.join('');
  budget.spend(text.length, node.at);
  const alone = parts.length === 1 && typeof parts[0] === 'object' ? values[0] : undefined;
  return { ...node, value: alone === undefined ? text : typed(alone, node.isPlain), fromEnv: [...fromEnv] };
}

/** A variable that stands alone keeps its type; one that came as text becomes what it would be if it were written there. */
function typed(value: string | number | boolean, isPlain: boolean): string | number | boolean {
  if (typeof value !== 'string' || !isPlain) return value;
  if (value === 'true' || value === 'false') return value === 'true';
  return /^-?(0|[1-9]\d{0,14})(\.\d{0,8}[1-9])?$/.test(value) && String(Number(value)) === value ? Number(value) : value;
}

async function fill(part: Part, at: Place, scope: Scope, fromEnv: Set<string>, depth: number): Promise<string | number | boolean> {
  if (typeof part === 'string') return part;
  const found = await scope.get(part.name, at);
  if (found && found.value !== '') {
    for (const name of found.fromEnv) fromEnv.add(name);
    return found.value;
  }
  if (found && !part.otherwise) return found.value;
  if (!part.otherwise) {
    const near = nearest(part.name, scope.names);
    throw problem({
      code: 'host-file-invalid',
      message: `\`\${${part.name}}\` is not set: variables come from \`vars\` and \`varsFiles\` alone`,
      place: at,
      hint: near
        ? `Did you mean \`\${${near}}\`?`
        : `Set it in \`vars: { ${part.name}: … }\`, or from the environment: \`vars: { ${part.name}: { env: ${part.name} } }\`.`,
    });
  }
  const inner: string[] = [];
  for (const piece of part.otherwise.parts) inner.push(String(await fill(piece, at, scope, fromEnv, depth + 1)));
  const text = inner.join('');
  if (part.otherwise.is === 'default') return text;
  throw problem({
    code: 'host-file-invalid',
    message: `\`\${${part.name}}\` is not set: ${text || 'a value is required'}`,
    place: at,
    hint: `Set it in \`vars: { ${part.name}: … }\`.`,
  });
}

const maxNesting = 10;

/** Exported for its tests. */
export function parse(text: string, at: Place): readonly Part[] {
  let index = 0;
  const bad = (message: string) => problem({ code: 'host-file-invalid', message, place: at });
  const until = (isInner: boolean, depth: number): Part[] => {
    if (depth > maxNesting) throw bad(`\`\${…}\` nested more than ${maxNesting} deep`);
    const parts: Part[] = [];
    let plain = '';
    const flush = () => {
      if (plain) parts.push(plain);
      plain = '';
    };
    while (index < text.length) {
      const char = text[index]!;
      if (isInner && char === '}') break;
      if (char !== '$') {
        plain += char;
        index += 1;
        continue;
      }
      const next = text[index + 1];
      if (next === '$') {
        plain += '$';
        index += 2;
        continue;
      }
      if (next !== '{') {
        const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text.slice(index + 1, index + 100))?.[0];
        throw bad(
          name
            ? `\`$${name}\`: write \`\${${name}}\` for a variable of the host file, \`$$${name}\` for a dollar sign`
            : 'a single `$`: write `$$` for a dollar sign',
        );
      }
      flush();
      index += 2;
      const name = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text.slice(index, index + 200))?.[0];
      if (!name) throw bad('`${` needs a name of letters, digits and `_`; for the text itself write `$${`');
      index += name.length;
      const operator = text.slice(index, index + 2);
      if (operator === ':-' || operator === ':?') {
        index += 2;
        parts.push({ name, otherwise: { is: operator === ':-' ? 'default' : 'required', parts: until(true, depth + 1) } });
      } else if (text[index] === '}' || index >= text.length) parts.push({ name, otherwise: null });
      else
        throw bad(`\`\${${name}${text.slice(index, index + 8)}…\` is not understood; there are \`\${NAME}\`, \`\${NAME:-default}\` and \`\${NAME:?message}\``);
      if (text[index] !== '}') throw bad(`\`\${${name}\` is not closed with \`}\``);
      index += 1;
    }
    flush();
    return parts;
  };
  return until(false, 0);
}
