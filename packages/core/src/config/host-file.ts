import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Json } from '@ostler/sdk';
import type { Place } from '../base/problem.ts';
import { networkDefinition, type Policy, parseContext, policyOf, policySchema, volumeDefinition } from '../spec/index.ts';
import { loadMerged } from './extends.ts';
import { interpolate, TextBudget } from './interpolate.ts';
import { addIssues, Faults } from './issues.ts';
import { type MapNode, map, type Node, nodeAt, toJson } from './node.ts';
import { notYet, refuseNotYet } from './not-yet.ts';
import { type AgentSettings, agentSchema, topFields, topSchema } from './schema.ts';
import { readVars, type Vars } from './vars.ts';

export interface PluginUse {
  /** A package's name, or the absolute path of a file. */
  readonly use: string;
  readonly config: Json;
  readonly place: Place;
  /** Where packages are resolved from: the folder of the file that names it. */
  readonly baseDir: string;
}

/** A host file read and merged as far as that goes without its plugins. */
export interface ReadHostFile {
  readonly path: string;
  readonly baseDir: string;
  readonly host: string;
  /** All files read, the host file first. */
  readonly files: readonly string[];
  readonly plugins: readonly PluginUse[];
  readonly agent: AgentSettings;
  readonly policy: Policy;
  /** Variables are filled in everywhere but in `workers`, `defaults` and `images`: those may use facts, which plugins bring. */
  readonly root: MapNode;
  readonly vars: Vars;
}

export interface ReadOptions {
  /** Absolute. */
  readonly path: string;
  /** This machine's name, if the file gives none. */
  readonly host?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const later = new Set(['workers', 'defaults', 'images', 'vars', 'varsFiles', 'extends']);

/** First half: parse, `extends`, `vars`, everything but the workers checked. All that is wrong is thrown in one problem. */
export async function readHostFile(options: ReadOptions): Promise<ReadHostFile> {
  const path = resolve(options.path);
  const merged = await loadMerged(path);
  const files = [...merged.files];
  const stripped = stripNotes(merged.root) as MapNode;
  const faults = new Faults();
  const vars = await readVars(stripped, options.env, files);
  const entries = new Map(stripped.entries);
  const budget = new TextBudget();
  for (const [key, entry] of stripped.entries) {
    if (later.has(key)) continue;
    const value = await faults.collect(() => interpolate(entry.value, vars, budget));
    if (value) entries.set(key, { at: entry.at, value });
  }
  const root = map(entries, stripped.at);
  const parsed = topSchema.safeParse(toJson(root), parseContext());
  if (!parsed.success) addIssues(faults, parsed.error.issues, { node: root, prefix: '', known: knownTop, why: whyNotTop });
  refuseNotYet(faults, root, notYet.file, '');
  refuseForeignPolicy(faults, root, path);
  faults.throwIfAny();
  return {
    path,
    baseDir: dirname(path),
    host: scalarText(nodeAt(root, ['host'])) ?? options.host ?? hostname(),
    files,
    plugins: pluginsOf(root),
    agent: agentSchema.parse(parsed.data?.agent ?? {}, parseContext()),
    policy: policyOf(policySchema.parse(parsed.data?.policy ?? {}, parseContext())),
    root,
    vars,
  };
}

/** It stands in the host file alone: what that extends may be written by others than those who answer for this host. */
function refuseForeignPolicy(faults: Faults, root: MapNode, path: string): void {
  const visit = (node: Node): void => {
    for (const [, { at, value }] of node.is === 'map' ? node.entries : []) {
      if (at.file !== path) faults.invalid('`policy` counts only in the host file itself, not in a file that it extends', at, `Write it into ${path}.`);
      else visit(value);
    }
  };
  const policy = root.entries.get('policy');
  if (policy !== undefined) visit(map(new Map([['policy', policy]]), policy.at));
}

const topNames = [...Object.keys(topFields), 'defaults', 'workers'];
const nested: Readonly<Record<string, readonly string[]>> = {
  agent: Object.keys(agentSchema.shape),
  defaults: ['service', 'job', 'cron'],
  policy: ['runtimes', 'users', 'mountRoots', 'privileged', 'hostNamespaces', 'engineSocket'],
};
const inside: Readonly<Record<string, readonly string[]>> = {
  plugins: ['use', 'config'],
  images: ['image', 'build', 'from'],
  volumes: Object.keys(volumeDefinition.shape),
  networks: Object.keys(networkDefinition.shape),
};
function knownTop(path: readonly (string | number)[]): readonly string[] {
  const [first] = path;
  if (first === undefined) return topNames;
  return (path.length === 1 ? nested[first] : path.length === 2 ? inside[first] : undefined) ?? [];
}

const whyNotTop = (key: string): string | null =>
  key === 'services'
    ? 'workers of a Compose file come in by `ostler import compose FILE`; here they stand under `workers`'
    : key === 'version'
      ? 'the form of the file is `ostler: 1`'
      : null;

function pluginsOf(root: MapNode): readonly PluginUse[] {
  const node = nodeAt(root, ['plugins']);
  const items = node?.is === 'list' ? node.items : [];
  const uses = items.map((item): PluginUse => {
    const baseDir = dirname(item.at.file);
    const written = scalarText(item.is === 'map' ? item.entries.get('use')?.value : item) ?? '';
    const config = item.is === 'map' ? item.entries.get('config')?.value : undefined;
    return { use: /^\.{0,2}\//.test(written) ? resolve(baseDir, written) : written, config: config ? toJson(config) : {}, place: item.at, baseDir };
  });
  // named again in a file that extends: the later one configures it
  return uses.filter((one, index) => !uses.slice(index + 1).some((next) => next.use === one.use));
}

const scalarText = (node: Node | undefined): string | null => (node?.is === 'scalar' && typeof node.value === 'string' ? node.value : null);

/** Maps whose keys are a person's own: `x-request-id` is a header, not a note. */
const free = new Set(['env', 'labels', 'args', 'headers', 'vars', 'config', 'sysctls', 'extraHosts', 'files']);

/** Without `x-…` keys, which hold anchors and notes. */
function stripNotes(node: Node): Node {
  if (node.is === 'scalar') return node;
  if (node.is === 'list') return { ...node, items: node.items.map(stripNotes) };
  const entries = [...node.entries]
    .filter(([key]) => !key.startsWith('x-'))
    .map(([key, entry]) => [key, free.has(key) ? entry : { ...entry, value: stripNotes(entry.value) }] as const);
  return map(new Map(entries), node.at);
}
