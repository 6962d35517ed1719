import { stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { isPlugin, type Json, type Plugin, pluginApi } from '@ostler/sdk';
import { type Place, problem } from '../base/problem.ts';
import { nearest } from '../spec/index.ts';
import { installed, type Resolved, resolveFile, resolvePackage, Unloadable } from './resolve.ts';
import { malformed } from './well-formed.ts';

/** A plugin as a host file names it. */
export interface Use {
  /** A package's name, or the absolute path of a file. */
  readonly use: string;
  readonly config: Json;
  readonly place: Place;
  /** Folder from which packages are resolved. */
  readonly baseDir: string;
}

/** A plugin that comes with ostler: naming its package only configures it. */
export interface Builtin {
  readonly plugin: Plugin;
  readonly from: string;
  readonly release: string | null;
}

export interface Loaded {
  readonly plugin: Plugin;
  readonly use: string;
  readonly config: Json;
  readonly place: Place | null;
  /** Folder or file. */
  readonly from: string;
  readonly folder: string;
  readonly release: string | null;
}

/** A module that waits for ever at its top level must not keep the agent from its workers. */
export const usualImportMs = 10_000;

/** Throws `plugin-not-installed`, `plugin-not-a-plugin`, `plugin-api-version`, `host-file-untrusted`. */
export async function loadPlugin({ use, config, place, baseDir }: Use, ownFolder: string, uid: number, importMs: number): Promise<Loaded> {
  const found = locate(use, place, baseDir, ownFolder);
  if (use.startsWith('/')) await refuseUntrusted(found.file, place, uid);
  const plugin = await importPlugin(use, found, place, importMs);
  if (plugin.api !== pluginApi)
    throw problem({
      code: 'plugin-api-version',
      message: `${use} was written for version ${plugin.api} of the plugin contract; this ostler speaks version ${pluginApi}`,
      hint: plugin.api > pluginApi ? 'upgrade ostler, or install an older version of the plugin' : 'install a newer version of the plugin',
      place,
    });
  const wrong = malformed(plugin);
  if (wrong !== null)
    throw problem({ code: 'plugin-not-a-plugin', message: `${use} cannot be used (${found.file}): ${wrong}`, hint: 'tell its author', place });
  return { plugin, use, config, place, from: found.folder, folder: found.folder, release: found.release };
}

function locate(use: string, place: Place, baseDir: string, ownFolder: string): Resolved {
  try {
    const found = use.startsWith('/') ? resolveFile(use) : (resolvePackage(use, baseDir) ?? resolvePackage(use, ownFolder));
    if (found !== null) return found;
  } catch (error) {
    if (!(error instanceof Unloadable)) throw error;
    throw problem({ code: 'plugin-not-a-plugin', message: `${use} cannot be loaded: ${error.message}`, hint: 'install it again, or ask its author', place });
  }
  const meant = use.startsWith('/') ? null : nearest(use, installed(baseDir));
  throw problem({
    code: 'plugin-not-installed',
    message: use.startsWith('/')
      ? `there is no file ${use}`
      : `the plugin ${use} is not installed: looked in node_modules of ${baseDir} and of the folders above it`,
    hint: use.startsWith('/')
      ? 'mend the path: it stands against the folder of the file that names it'
      : `${meant === null ? '' : `did you mean ${meant}, which is installed? If not: `}npm install ${use}   (in ${baseDir})`,
    place,
  });
}

async function importPlugin(use: string, { file }: Resolved, place: Place, importMs: number): Promise<Plugin> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it was not loaded within ${importMs / 1000} s`)), importMs);
  });
  let exported: unknown;
  try {
    const loaded = (await Promise.race([import(pathToFileURL(file).href), late])) as { readonly default?: unknown };
    const inner = loaded.default as { readonly default?: unknown } | undefined;
    // CommonJS compiled from a default export wraps it once more.
    exported = isPlugin(loaded.default) ? loaded.default : inner?.default;
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw problem(
      { code: 'plugin-not-a-plugin', message: `${use} cannot be loaded (${file}): ${why}`, hint: 'see that what it needs is installed beside it', place },
      error,
    );
  } finally {
    clearTimeout(timer);
  }
  if (isPlugin(exported)) return exported;
  throw problem({ code: 'plugin-not-a-plugin', message: `${use} is no plugin: its default export was not made by definePlugin (${file})`, place });
}

/** Code that the agent runs must be the agent's user's own. */
async function refuseUntrusted(file: string, place: Place, uid: number): Promise<void> {
  const found = await stat(file);
  const isOwn = found.uid === uid || found.uid === 0;
  if (isOwn && (found.mode & 0o022) === 0) return;
  throw problem({
    code: 'host-file-untrusted',
    message: `${file} could be changed by others (${isOwn ? `mode ${(found.mode & 0o777).toString(8)}` : `it belongs to user ${found.uid}`}), and the agent would run it`,
    hint: `chown it to the user that runs the agent and chmod go-w ${file}`,
    place,
  });
}
