import type { Kinds } from '@ostler/sdk';
import { kindNames } from '@ostler/sdk';
import { type Place, problem } from '../base/problem.ts';
import type { Watchdog } from '../base/watchdog.ts';
import type { Registry } from '../spec/index.ts';
import { type Builtin, type Loaded, loadPlugin, type Use, usualImportMs } from './load.ts';
import { folderName, type SetUp, type SetUpGiven, setUp } from './set-up.ts';

export interface LoadGiven {
  readonly uses: readonly Use[];
  readonly builtins: readonly Builtin[];
  /** Where packages are looked for after the host file's folder. */
  readonly ownFolder: string;
  /** Of the agent: code that it runs must be its own. */
  readonly uid: number;
  /** How long a module may take at its top level; default 10 s. */
  readonly importMs?: number | undefined;
  readonly watchdog?: Pick<Watchdog, 'know'> | undefined;
}

/** The plugins of a host, loaded and inert: enough to check a host file and to write its schema. */
export interface PluginSet {
  readonly registry: Registry;
  readonly loaded: readonly Loaded[];
  setUp(given: SetUpGiven): Promise<SetUp>;
}

/** Throws one problem: `plugin-not-installed`, `-not-a-plugin`, `-api-version`, `-name-taken`, `-config-invalid`, `host-file-untrusted`. */
export async function loadPlugins({ uses, builtins, ownFolder, uid, watchdog, importMs = usualImportMs }: LoadGiven): Promise<PluginSet> {
  const configured = new Map(uses.map((use) => [use.use, use]));
  const own: Loaded[] = builtins.map(({ plugin, from, release }) => ({
    ...{ plugin, use: plugin.id, from, folder: from, release },
    config: configured.get(plugin.id)?.config ?? {},
    place: configured.get(plugin.id)?.place ?? null,
  }));
  const isBuiltin = (use: string): boolean => own.some(({ plugin }) => plugin.id === use);
  const named: Loaded[] = [];
  for (const use of uses) if (!isBuiltin(use.use)) named.push(await loadPlugin(use, ownFolder, uid, importMs));
  const loaded = [...own, ...named].map(withConfig);
  refuseTaken(loaded);
  for (const { plugin, folder } of loaded) watchdog?.know(plugin.id, folder);
  return { registry: registryOf(loaded), loaded, setUp: (given) => setUp(loaded, given) };
}

/** The config as the plugin's own schema reads it. */
function withConfig(loaded: Loaded): Loaded {
  const { plugin, config, place } = loaded;
  const at = place === null ? {} : { place };
  const invalid = (text: string) => problem({ code: 'plugin-config-invalid', message: `the config of ${plugin.id}: ${text}`, ...at });
  if (plugin.config === undefined) {
    const isEmpty = config === null || (typeof config === 'object' && Object.keys(config).length === 0);
    if (!isEmpty) throw invalid('this plugin takes none');
    return { ...loaded, config: {} };
  }
  let read: ReturnType<typeof plugin.config.safeParse>;
  try {
    read = plugin.config.safeParse(config);
  } catch (error) {
    throw invalid(`its schema failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (read.success) return { ...loaded, config: read.data as Loaded['config'] };
  throw invalid(read.error.issues.map((issue) => `${issue.path.length > 0 ? `${issue.path.join('.')}: ` : ''}${issue.message}`).join('; '));
}

function refuseTaken(loaded: readonly Loaded[]): void {
  const taken = (what: string, by: string, and: string, place: Place | null) =>
    problem({
      code: 'plugin-name-taken',
      message: `${what} is brought by ${by} and by ${and}`,
      hint: 'name only one of the two in `plugins`',
      ...(place === null ? {} : { place }),
    });
  const ids = new Map<string, Loaded>();
  const names = new Map<string, Loaded>();
  const folders = new Map<string, Loaded>();
  for (const one of loaded) {
    const { plugin, place, from } = one;
    const same = ids.get(plugin.id);
    if (same) throw taken(`the plugin id ${plugin.id}`, `${same.use} (${same.from})`, `${one.use} (${from})`, place);
    ids.set(plugin.id, one);
    // Some file systems do not tell large letters from small ones.
    const folder = folderName(plugin.id).toLowerCase();
    const beside = folders.get(folder);
    if (beside) throw taken(`the state folder ${folder}`, beside.plugin.id, plugin.id, place);
    folders.set(folder, one);
    for (const kind of kindNames)
      for (const name of Object.keys(plugin.contributes[kind] ?? {})) {
        const other = names.get(`${kind} ${name}`);
        if (other) throw taken(`${singular[kind]} \`${name}\``, other.plugin.id, plugin.id, place);
        names.set(`${kind} ${name}`, one);
      }
  }
}

const singular: Readonly<Record<keyof Kinds, string>> = {
  runtimes: 'the runtime',
  secrets: 'the secret scheme',
  exposures: 'the exposure',
  probes: 'the probe',
  alerts: 'the alert channel',
  renderers: 'the renderer',
  sources: 'the source',
  identities: 'the identity provider',
  facts: 'the fact source',
};

function registryOf(loaded: readonly Loaded[]): Registry {
  const all = <K extends keyof Kinds>(kind: K) =>
    new Map(loaded.flatMap(({ plugin }) => Object.entries(plugin.contributes[kind] ?? {}))) as ReadonlyMap<string, Kinds[K]['declare']>;
  return {
    runtimes: all('runtimes'),
    probes: all('probes'),
    exposures: all('exposures'),
    alerts: all('alerts'),
    facts: new Set(all('facts').keys()),
    secrets: new Set(all('secrets').keys()),
  };
}
