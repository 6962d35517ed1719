import { readdir, stat } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { dirname, extname, join, resolve } from 'node:path';
import { problem } from '../base/problem.ts';
import { extensions } from './load.ts';

export interface Where {
  /** `--config`. */
  readonly config?: string | undefined;
  /** `--host`; else this machine's name. */
  readonly host?: string | undefined;
  readonly cwd: string;
  /** `OSTLER_CONFIG` and `XDG_CONFIG_HOME` are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `/etc/ostler` or `~/.config/ostler`, where the system's own place is not wanted. */
  readonly systemDir?: string | undefined;
}

interface Finder {
  readonly Explorer: new (options: Readonly<Record<string, unknown>>) => { search(from: string): Promise<{ readonly filepath: string } | null> };
}

/** Lower case, up to the first dot: the name a file in `hosts/` has. */
export const shortHostName = (name: string = hostname()): string => name.toLowerCase().split('.')[0] ?? '';

const names = [...extensions.map((end) => `ostler${end}`), ...extensions.map((end) => `ostler.config${end}`)];

/** The absolute path of the host file. Its content is not looked at. Codes: host-file-missing, host-file-ambiguous. */
export async function findHostFile(where: Where): Promise<string> {
  if (where.config !== undefined) return resolve(where.cwd, where.config);
  const fromEnv = where.env['OSTLER_CONFIG'];
  if (fromEnv) return resolve(where.cwd, fromEnv);

  const short = shortHostName(where.host);
  const hosts = join(where.cwd, 'hosts');
  const byHost = await only(
    hosts,
    extensions.map((end) => `${short}${end}`),
  );
  if (byHost) return byHost;
  if (where.host !== undefined) throw await noSuchHost(hosts, short);

  const upward = await searchUpward(where.cwd);
  if (upward) return upward;

  const systemDir = where.systemDir ?? defaultSystemDir(where.env);
  const bySystem = await only(systemDir, [...names, ...extensions.map((end) => `${short}${end}`)]);
  if (bySystem) return bySystem;

  throw problem({
    code: 'host-file-missing',
    message: `no host file: looked for hosts/${short}.yaml, then ostler.yaml from ${where.cwd} upward, then ${systemDir}/ostler.yaml (also ${extensions.slice(1).join(' ')})`,
    hint: '`ostler init` writes one here; `--config FILE` or OSTLER_CONFIG names another.',
  });
}

const defaultSystemDir = (env: Where['env']): string =>
  process.getuid?.() === 0 ? '/etc/ostler' : join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config'), 'ostler');

async function searchUpward(cwd: string): Promise<string | null> {
  const isThere = () => ({ isThere: true });
  // Not the package's front door: that one reads a "meta config" of its own from the working directory first, and runs it if it is code.
  // Its declaration file is empty, hence the cast. Loaded only when there is something to look for. Node names what CommonJS exports, a bundle has only
  // its default.
  const loaded = (await import('cosmiconfig/dist/Explorer.js')) as unknown as Partial<Finder> & { readonly default: Finder };
  const { Explorer } = loaded.Explorer === undefined ? loaded.default : (loaded as Finder);
  const explorer = new Explorer({
    moduleName: 'ostler',
    searchPlaces: names,
    loaders: Object.fromEntries(extensions.map((end) => [end, isThere])),
    // one folder at a time, so that two in one place are noticed and an unreadable one is not passed over
    searchStrategy: 'none',
    ignoreEmptySearchPlaces: false,
    cache: false,
    mergeImportArrays: false,
    mergeSearchPlaces: false,
    metaConfigFilePath: null,
    transform: (result: unknown) => result,
  });
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = await only(folder, names);
    // what is not a plain readable file is for the loader to refuse: searching would open it, and a FIFO waits for ever
    if (found) return (await isPlainFile(found)) ? ((await explorer.search(folder))?.filepath ?? found) : found;
    if (dirname(folder) === folder) return null;
  }
}

async function isPlainFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() === true && found.size <= 1024 * 1024;
}

/** The one of `candidates` that the folder holds; two are an error. */
async function only(folder: string, candidates: readonly string[]): Promise<string | null> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found = entries.filter((entry) => candidates.includes(entry.name) && !entry.isDirectory()).map((entry) => entry.name);
  const [first, second] = found.sort();
  if (first !== undefined && second !== undefined)
    throw problem({
      code: 'host-file-ambiguous',
      message: `${folder} holds ${found.length} host files: ${found.join(', ')}`,
      hint: 'Remove all but one, or name one with `--config`.',
    });
  return first === undefined ? null : join(folder, first);
}

async function noSuchHost(hosts: string, short: string) {
  const entries = await readdir(hosts).catch(() => [] as string[]);
  const known = entries.filter((name) => extensions.includes(extname(name))).map((name) => name.slice(0, -extname(name).length));
  return problem({
    code: 'host-file-missing',
    message: `no file ${short}.yaml (also ${extensions.slice(1).join(' ')}) in ${hosts}`,
    hint: known.length > 0 ? `Hosts there: ${known.sort().join(', ')}.` : 'The folder is missing or holds no host file; `ostler init` writes one.',
  });
}
