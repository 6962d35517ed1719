import { dirname, resolve } from 'node:path';
import type { Place } from '@ostler/core';
import type { Notes } from '../notes.ts';
import { type Troubles, trouble } from '../troubles.ts';
import { canonicalResource, canonicalService } from './canonical.ts';
import { type EnvFile, parseEnvFile } from './dotenv.ts';
import { withExtends } from './extends.ts';
import { merged, unmarked } from './merge.ts';
import { type Entry, entryOf, isSame, kindOf, listNode, type MapNode, mapNode, type Node, withEntry } from './node.ts';
import { readFileText } from './read-file.ts';
import type { Scope } from './scope.ts';
import { topWords } from './words.ts';
import { parseCompose } from './yaml.ts';

/** What the files of one import share. */
export interface Loading {
  readonly troubles: Troubles;
  readonly notes: Notes;
  /** All files that were read, the first one first. */
  readonly files: string[];
}

const groups = ['services', 'volumes', 'networks', 'secrets', 'configs'] as const;

/** Several files of one project merged into one, later over earlier, with all that they include and extend. `base`: what relative paths stand against. */
export async function loadProject(paths: readonly string[], base: string, scope: Scope, loading: Loading, chain: readonly string[] = []): Promise<MapNode> {
  let whole: MapNode | null = null;
  for (const path of paths) {
    const own = await loadOne(path, base, scope, loading, chain, whole);
    whole = whole === null ? (unmarked(own) as MapNode) : merged(whole, own, [], loading.troubles);
  }
  return whole!;
}

async function loadOne(path: string, base: string, scope: Scope, loading: Loading, chain: readonly string[], before: MapNode | null): Promise<MapNode> {
  const { troubles } = loading;
  const read = await readComposeFile(path, base, scope, loading, undefined);
  const own = await withExtends(read, path, before, {
    troubles,
    read: (other, referrer) => readComposeFile(other, dirname(other), scope, loading, referrer),
  });
  return withIncluded(own, path, base, scope, loading, [...chain, path]);
}

/** One file, its variables filled in, its services in their long form. `referrer`: where it was named. */
async function readComposeFile(path: string, base: string, scope: Scope, loading: Loading, referrer: Place | undefined): Promise<MapNode> {
  const { troubles, files } = loading;
  const text = await readFileText(path, referrer);
  const node = parseCompose(text!, path, base);
  const start = { file: path, line: 1, column: 1 };
  if (node === null) throw trouble('the file is empty', start, 'A Compose file has `services:`.');
  if (node.is !== 'map') throw trouble(`expected a Compose file, a map with \`services:\`; found ${kindOf(node)}`, node.at);
  refuseOthers(node);
  if (!files.includes(path)) files.push(path);
  let filled = scope.filled(node) as MapNode;
  for (const [key, entry] of filled.entries)
    if (!key.startsWith('x-') && !(topWords as readonly string[]).includes(key)) troubles.unknown(key, '', topWords, entry.at);
  for (const name of groups) {
    const group = entryOf(filled, name);
    if (group === undefined || (group.is === 'scalar' && group.text === null)) continue;
    if (group.is !== 'map') {
      troubles.add(`\`${name}\` is a map of names; found ${kindOf(group)}`, group.at);
      filled = withEntry(filled, name, mapNode(new Map(), group));
      continue;
    }
    const entries = new Map<string, Entry>();
    for (const [key, entry] of group.entries) {
      if (key.startsWith('x-')) continue;
      const { value } = entry;
      if (!/^[a-zA-Z0-9._-]+$/.test(key)) troubles.add(`\`${key}\` is no name: expected letters, digits, \`.\`, \`_\` and \`-\``, entry.at);
      else if (name !== 'services') entries.set(key, { ...entry, value: canonicalResource(value, { ...loading, of: key }) });
      else if (value.is === 'map') entries.set(key, { ...entry, value: canonicalService(value, { ...loading, of: key }) });
      else if (value.mark === 'reset') entries.set(key, entry);
      else troubles.add(`services.${key}: expected a map, the fields of the service; found ${kindOf(value)}`, entry.at);
    }
    filled = withEntry(filled, name, mapNode(entries, group));
  }
  return filled;
}

/** What people have lying beside their Compose files. */
function refuseOthers(node: MapNode): void {
  const has = (key: string): boolean => node.entries.has(key);
  if (has('services') || has('include')) return;
  if (has('workers')) throw trouble('this is a host file already, no Compose file', node.at, '`ostler check` checks it.');
  if (has('apiVersion') && has('kind')) throw trouble('this is a manifest of Kubernetes, no Compose file', node.at);
  const isOld = [...node.entries.values()].some(({ value }) => entryOf(value, 'image') !== undefined || entryOf(value, 'build') !== undefined);
  if (isOld)
    throw trouble(
      'the services stand at the top of the file, as in the first form of Compose, which Compose itself reads no more',
      node.at,
      'Put them under `services:`.',
    );
}

async function withIncluded(own: MapNode, path: string, base: string, scope: Scope, loading: Loading, chain: readonly string[]): Promise<MapNode> {
  const { troubles } = loading;
  const include = entryOf(own, 'include');
  if (include === undefined || (include.is === 'scalar' && include.text === null)) return own;
  if (include.is !== 'list') {
    troubles.add(`\`include\` is a list of files; found ${kindOf(include)}`, include.at);
    return own;
  }
  let whole = own;
  for (const item of include.items) {
    const found = includedOf(item, troubles);
    if (found === null) continue;
    const paths = found.paths.map(({ text, at }) => ({ at, path: resolve(base, text) }));
    const remote = found.paths.find(({ text }) => isRemote(text));
    if (remote) {
      troubles.add(`\`${remote.text}\` is not on this machine, and is not fetched`, remote.at, 'Fetch it, and name the file.');
      continue;
    }
    const again = paths.find((one) => chain.includes(one.path));
    if (again)
      throw trouble(`\`include\` goes in a circle: ${[...chain.slice(chain.indexOf(again.path)), again.path].join(' -> ')}`, again.at, 'Remove one of them.');
    const folder = found.projectDirectory === null ? dirname(paths[0]!.path) : resolve(base, found.projectDirectory);
    const named = found.envFiles.map(({ text, at }) => ({ path: resolve(base, text), at }));
    const envFiles = await readEnvFiles(named.length > 0 ? named : [{ path: resolve(folder, '.env'), at: null }], loading);
    for (const { path: one, at } of paths) await readFileText(one, at);
    const inner = await loadProject(
      paths.map((one) => one.path),
      folder,
      scope.within(envFiles),
      loading,
      [...chain, path],
    );
    whole = withResources(whole, inner, item, troubles);
  }
  return whole;
}

/** Files that begin with `git@` or a scheme. */
export const isRemote = (path: string): boolean => /^(git@|[a-z][a-z0-9+.-]*:\/\/)/i.test(path);

interface Named {
  readonly text: string;
  readonly at: Place;
}

function includedOf(item: Node, troubles: Troubles) {
  const list = (node: Node | undefined): readonly Named[] => {
    const items = node === undefined ? [] : node.is === 'list' ? node.items : [node];
    return items.flatMap((one) => (one.is === 'scalar' && one.text !== null && one.text.now !== '' ? [{ text: one.text.now, at: one.at }] : []));
  };
  const known = ['path', 'project_directory', 'env_file'];
  if (item.is === 'map') for (const [key, entry] of item.entries) if (!known.includes(key)) troubles.unknown(key, 'include', known, entry.at);
  const paths = list(item.is === 'map' ? entryOf(item, 'path') : item);
  if (paths.length === 0) {
    troubles.add('expected the path of a Compose file, or { path, project_directory, env_file }', item.at);
    return null;
  }
  return { paths, projectDirectory: list(entryOf(item, 'project_directory'))[0]?.text ?? null, envFiles: list(entryOf(item, 'env_file')) };
}

/** Env files that variables come from. `at` null: it need not be there. */
export async function readEnvFiles(
  named: readonly { readonly path: string; readonly at: Place | null | undefined }[],
  loading: Loading,
): Promise<readonly EnvFile[]> {
  const read: EnvFile[] = [];
  for (const { path, at } of named) {
    const text = await readFileText(path, at ?? undefined, at === null);
    if (text === null) continue;
    const file = parseEnvFile(text, path);
    if ('message' in file) loading.troubles.add(file.message, file.at);
    else read.push(file);
  }
  return read;
}

/** What is included is added, and may not be there already unless it is the same. */
function withResources(own: MapNode, inner: MapNode, item: Node, troubles: Troubles): MapNode {
  let whole = own;
  for (const name of groups) {
    const [to, from] = [entryOf(whole, name), entryOf(inner, name)];
    if (from?.is !== 'map') continue;
    const entries = new Map(to?.is === 'map' ? to.entries : []);
    for (const [key, entry] of from.entries) {
      const old = entries.get(key);
      if (old && !isSame(old.value, entry.value))
        troubles.add(
          `${name}.${key} stands here and in ${entry.at.file}:${entry.at.line}, which is included in line ${item.at.line}`,
          old.at,
          'Give one of them another name, or change it in a file that is named after this one.',
        );
      else entries.set(key, entry);
    }
    whole = withEntry(whole, name, mapNode(entries, to ?? from));
  }
  return withEntry(whole, 'include', listNode([], item));
}
