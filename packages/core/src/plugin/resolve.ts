import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

/** Where a plugin's code lies. */
export interface Resolved {
  /** Absolute path of the module. */
  readonly file: string;
  /** Folder of its package, or of the file. */
  readonly folder: string;
  readonly release: string | null;
}

/** A package that is there but has no module that can be loaded. */
export class Unloadable extends Error {}

type Target = string | null | readonly Target[] | { readonly [condition: string]: Target };

/** `..` and `a/b` are folders, not packages. */
const packageName = /^(?:@[^/.\\][^/\\]*\/)?[^@/.\\][^/\\]*$/;

/**
 * The module of a package, from a folder upward, as Node finds it: `exports` of "." by the conditions of an import, else `main`, else index.js. Not by
 * `require.resolve`, which does not find packages that offer an import only. `null` = there is no such package.
 */
export function resolvePackage(name: string, from: string): Resolved | null {
  if (!packageName.test(name)) return null;
  for (let folder = from; ; folder = dirname(folder)) {
    const root = join(folder, 'node_modules', name);
    if (existsSync(join(root, 'package.json'))) return moduleOf(name, realpathSync(root));
    if (dirname(folder) === folder) return null;
  }
}

/** Names of the packages that can be loaded from a folder. */
export function installed(from: string): readonly string[] {
  const names = new Set<string>();
  for (let folder = from; ; folder = dirname(folder)) {
    const root = join(folder, 'node_modules');
    for (const name of entriesOf(root)) {
      if (name.startsWith('@')) for (const own of entriesOf(join(root, name))) names.add(`${name}/${own}`);
      else if (!name.startsWith('.')) names.add(name);
    }
    if (dirname(folder) === folder) return [...names];
  }
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

export function resolveFile(path: string): Resolved | null {
  if (!isAbsolute(path) || !existsSync(path)) return null;
  const file = realpathSync(path);
  return statSync(file).isDirectory() ? moduleOf(path, file) : { file, folder: dirname(file), release: null };
}

function moduleOf(name: string, root: string): Resolved {
  let manifest: { readonly exports?: Target; readonly main?: string; readonly version?: string };
  try {
    manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  } catch (error) {
    throw new Unloadable(`its package.json cannot be read: ${(error as Error).message}`);
  }
  const entry = manifest.exports === undefined ? (manifest.main ?? 'index.js') : entryOf(manifest.exports);
  const file = entry === null ? null : [join(root, entry), join(root, `${entry}.js`), join(root, entry, 'index.js')].find(isFile);
  if (file === null || file === undefined) throw new Unloadable(`${name} names no module that is there (looked for ${entry ?? 'exports of "."'} in ${root})`);
  return { file, folder: root, release: manifest.version ?? null };
}

function entryOf(target: Target): string | null {
  if (typeof target === 'string' || target === null) return target;
  if (Array.isArray(target)) return target.map(entryOf).find((entry) => entry !== null) ?? null;
  const map = target as { readonly [condition: string]: Target };
  if (Object.keys(map).some((key) => key.startsWith('.'))) return map['.'] === undefined ? null : entryOf(map['.']);
  const conditions = new Set([
    ...process.execArgv.flatMap((flag) => /^(?:--conditions=|-C=?)(.+)$/.exec(flag)?.[1] ?? []),
    'node',
    'import',
    'module-sync',
    'default',
  ]);
  for (const [condition, next] of Object.entries(map)) {
    if (!conditions.has(condition)) continue;
    const entry = entryOf(next);
    if (entry !== null) return entry;
  }
  return null;
}
