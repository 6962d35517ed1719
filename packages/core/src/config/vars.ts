import { dirname, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { type Place, problem } from '../base/problem.ts';
import { interpolateScalar, type Scope, TextBudget, type Variable } from './interpolate.ts';
import { type MapNode, type Node, nodeAt, type ScalarNode, scalar } from './node.ts';
import { readText } from './read.ts';

/** Answers `vars: { IP: { fact: tailscale.ip } }`; null = nobody knows. */
export type Facts = (fact: string) => Promise<string | null>;

type Source =
  | { readonly value: ScalarNode }
  | { readonly env: string; readonly fallback: ScalarNode | null }
  | { readonly fact: string; readonly fallback: ScalarNode | null };

type Sources = ReadonlyMap<string, { readonly at: Place; readonly source: Source }>;

/** The variables of a host file: `varsFiles` first, `vars` over them. Nothing comes from the environment unless a variable says so. */
export class Vars implements Scope {
  readonly #sources: Sources;
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #facts: Facts | null;
  readonly #open: string[] = [];
  readonly #budget = new TextBudget();

  constructor(sources: Sources, env: Readonly<Record<string, string | undefined>>, facts: Facts | null) {
    this.#sources = sources;
    this.#env = env;
    this.#facts = facts;
  }

  get names(): readonly string[] {
    return [...this.#sources.keys()];
  }

  /** The same variables, with facts: those are known only when the plugins are. */
  withFacts(facts: Facts): Vars {
    return new Vars(this.#sources, this.#env, facts);
  }

  async get(name: string, at: Place): Promise<Variable | null> {
    const found = this.#sources.get(name);
    if (!found) return null;
    if (this.#open.includes(name))
      throw problem({
        code: 'host-file-invalid',
        message: `variables in a circle: ${[...this.#open.slice(this.#open.indexOf(name)), name].join(' -> ')}`,
        place: found.at,
      });
    this.#open.push(name);
    try {
      return await this.#value(name, found.source, found.at, at);
    } finally {
      this.#open.pop();
    }
  }

  async #value(name: string, source: Source, at: Place, usedAt: Place): Promise<Variable | null> {
    if ('value' in source) return this.#filled(source.value);
    if ('env' in source) {
      const value = this.#env[source.env];
      if (value !== undefined) return { value, fromEnv: [source.env] };
      if (source.fallback) return this.#filled(source.fallback);
      throw problem({
        code: 'host-file-invalid',
        message: `\`\${${name}}\` comes from the environment variable ${source.env}, which is not set`,
        place: usedAt,
        hint: `Set it where the agent is started, or give a default: \`${name}: { env: ${source.env}, default: … }\` (line ${at.line} of ${at.file}).`,
      });
    }
    if (!this.#facts)
      throw problem({
        code: 'host-file-invalid',
        message: `\`\${${name}}\` is a fact (${source.fact}), which a plugin brings; only workers can use it`,
        place: usedAt,
      });
    const value = await this.#facts(source.fact);
    if (value !== null) return { value, fromEnv: [] };
    if (source.fallback) return this.#filled(source.fallback);
    throw problem({
      code: 'host-file-invalid',
      message: `\`\${${name}}\`: this host does not know the fact \`${source.fact}\``,
      place: usedAt,
      hint: 'Give it a `default`, or load the plugin that brings it.',
    });
  }

  async #filled(node: ScalarNode): Promise<Variable | null> {
    const done = await interpolateScalar(node, this, this.#budget);
    return done.value === null ? null : { value: done.value, fromEnv: done.fromEnv };
  }
}

const name = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Reads `vars` and `varsFiles` of a merged host file. `files` gains the files that were read. */
export async function readVars(root: MapNode, env: Readonly<Record<string, string | undefined>>, files: string[]): Promise<Vars> {
  const sources = new Map<string, { at: Place; source: Source }>();
  const filesNode = nodeAt(root, ['varsFiles']);
  for (const item of filesNode ? (filesNode.is === 'list' ? filesNode.items : [filesNode]) : []) {
    if (item.is !== 'scalar' || typeof item.value !== 'string') throw invalid('`varsFiles` takes paths of files of lines `NAME=value`', item.at);
    const path = resolve(dirname(item.at.file), item.value);
    for (const [key, value] of await readEnvFile(path, item.at)) sources.set(key, { at: value.at, source: { value } });
    files.push(path);
  }
  const varsNode = nodeAt(root, ['vars']);
  if (varsNode && varsNode.is !== 'map') throw invalid('`vars` takes a map of names and values', varsNode.at);
  for (const [key, entry] of varsNode?.entries ?? []) {
    if (!name.test(key)) throw invalid(`\`${key}\` cannot be a variable: expected letters, digits and \`_\`, not a digit first`, entry.at);
    sources.set(key, { at: entry.at, source: sourceOf(key, entry.value) });
  }
  return new Vars(sources, env, null);
}

/** A file of `NAME=value` lines, as `varsFiles` and `envFile` name it. */
export async function readEnvFile(path: string, referrer: Place): Promise<ReadonlyMap<string, ScalarNode>> {
  const text = await readText(path, referrer);
  const values = new Map<string, ScalarNode>();
  const places = new Map<string, Place>();
  for (const [index, line] of text.split('\n').entries()) {
    const found = /^\s*(?:export\s+)?([^=\s#]+)\s*=/.exec(line);
    if (found?.[1]) places.set(found[1], { file: path, line: index + 1, column: line.indexOf(found[1]) + 1 });
  }
  for (const [key, value] of Object.entries(parseEnv(text))) {
    const at = places.get(key) ?? { file: path, line: 1, column: 1 };
    if (!name.test(key)) throw invalid(`\`${key}\` cannot be the name of a variable`, at);
    // a dollar sign in such a file is a dollar sign
    if (value !== undefined) values.set(key, scalar(value.replaceAll('$', '$$$$'), at));
  }
  return values;
}

function sourceOf(key: string, node: Node): Source {
  const expected = 'expected a text, a number, true or false, `{ env: NAME, default: … }` or `{ fact: plugin.name }`';
  if (node.is === 'list') throw invalid(`variable \`${key}\` is a list; ${expected}`, node.at);
  if (node.is === 'scalar') {
    if (node.value === null) throw invalid(`variable \`${key}\` has no value; ${expected}`, node.at);
    refuseLossy(node);
    return { value: node };
  }
  const fallback = node.entries.get('default')?.value ?? null;
  const unknown = [...node.entries.keys()].find((field) => !['env', 'fact', 'default'].includes(field));
  if (unknown) throw invalid(`variable \`${key}\`: \`${unknown}\` is not known; ${expected}`, node.entries.get(unknown)!.at);
  if (fallback && (fallback.is !== 'scalar' || fallback.value === null))
    throw invalid(`the default of variable \`${key}\` must be a single value`, fallback.at);
  if (fallback?.is === 'scalar') refuseLossy(fallback);
  const [env, fact] = [node.entries.get('env')?.value, node.entries.get('fact')?.value];
  const text = (part: Node | undefined) => (part?.is === 'scalar' && typeof part.value === 'string' && part.value !== '' ? part.value : null);
  if (text(env) && !fact) return { env: text(env)!, fallback };
  if (text(fact) && !env) return { fact: text(fact)!, fallback };
  throw invalid(`variable \`${key}\`: ${expected}`, node.at);
}

/** A bare value that would not come back as it was written: the reader must say which of the two is meant. */
export function refuseLossy(node: ScalarNode, what = 'this value'): void {
  if (node.lossyText === null) return;
  throw problem({
    code: 'host-file-invalid',
    message: `${what} is written \`${node.lossyText}\` but would be read as \`${String(node.value)}\``,
    place: node.at,
    hint: `Put it in quotes: "${node.lossyText}".`,
  });
}

const invalid = (message: string, place: Place) => problem({ code: 'host-file-invalid', message, place });
