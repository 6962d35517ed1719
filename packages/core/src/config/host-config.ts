import type { Json } from '@ostler/sdk';
import type { Place } from '../base/problem.ts';
import { kindOf, nearest, type Registry } from '../spec/index.ts';
import { workerName } from '../spec/life.ts';
import { checkDependencies, checkPorts } from './across.ts';
import { type PluginUse, type ReadHostFile, type ReadOptions, readHostFile } from './host-file.ts';
import { checkBuilds, checkImages, withImages } from './images.ts';
import { interpolate, TextBudget } from './interpolate.ts';
import { Faults } from './issues.ts';
import { mergeNodes } from './merge.ts';
import { checkNetworks, withNetworks } from './networks.ts';
import { type MapNode, map, type Node, nodeAt, type Path, placeAt, toJson, withNode, without } from './node.ts';
import { probePortWarnings } from './probe-ports.ts';
import { checkSharing } from './sharing.ts';
import type { Facts } from './vars.ts';
import { withVolumes } from './volumes.ts';
import { checkWorker } from './worker-check.ts';
import { withEnvFiles, withPaths } from './worker-node.ts';

export interface WorkerConfig {
  /** After `extends`, `defaults`, `vars` and env files; no schema defaults in it. */
  readonly written: Json;
  /** Where a field stands; the worker itself for `[]`. */
  place(path: Path): Place;
}
export interface HostConfig {
  readonly path: string;
  readonly baseDir: string;
  readonly host: string;
  /** All files read, env files too: what to watch. */
  readonly files: readonly string[];
  readonly plugins: readonly PluginUse[];
  readonly agent: ReadHostFile['agent'];
  readonly policy: ReadHostFile['policy'];
  readonly workers: Readonly<Record<string, WorkerConfig>>;
  /** Workers of the file that do not run here, with the reason: `enabled: false`, a profile that is not chosen. */
  readonly left: Readonly<Record<string, string>>;
  /** `volumes:` and `networks:` as written. */
  readonly volumes: Json;
  readonly networks: Json;
  /** The whole merged file, for `explain`. */
  readonly root: MapNode;
  readonly warnings: readonly string[];
}

export interface CheckOptions {
  readonly profiles?: readonly string[] | undefined;
  /** Absent: facts are not known here, only their defaults. */
  readonly facts?: Facts | undefined;
}

/** Second half: the workers, now that the plugins' options are known. All that is wrong is thrown in one problem. */
export async function checkWorkers(read: ReadHostFile, registry: Registry, options: CheckOptions = {}): Promise<HostConfig> {
  const faults = new Faults();
  const vars = read.vars.withFacts(options.facts ?? (async () => null));
  const budget = new TextBudget();
  const images = await filled(nodeAt(read.root, ['images']), vars, budget, faults);
  const defaults = await filled(nodeAt(read.root, ['defaults']), vars, budget, faults);
  const files = new Set(read.files);
  const workers = new Map<string, MapNode>();
  const left = new Map<string, string>();
  const warnings: string[] = [];
  const [networks, volumes] = ['networks', 'volumes'].map((name) => {
    const node = nodeAt(read.root, [name]);
    return node?.is === 'map' ? node : null;
  }) as [MapNode | null, MapNode | null];
  const profiles = checkProfiles(read.root, options.profiles ?? [], faults);
  if (images) checkImages(images, faults);

  const all = nodeAt(read.root, ['workers']);
  const names = workerName();
  for (const [name, entry] of all?.is === 'map' ? all.entries : []) {
    const legal = names.safeParse(name);
    if (!legal.success) {
      faults.invalid(`\`${name.slice(0, 80)}\` cannot be the name of a worker: ${legal.error.issues[0]!.message}`, entry.at);
      continue;
    }
    if (entry.value.is !== 'map') continue;
    const enabled = entry.value.entries.get('enabled')?.value;
    // what is taken out need not be complete: a base may hold workers that only some hosts finish
    if (enabled?.is === 'scalar' && enabled.value === false) {
      left.set(name, 'it has `enabled: false`');
      continue;
    }
    const own = await filled(entry.value, vars, budget, faults);
    if (!own) continue;
    const kind = kindOf({ kind: kindText(own), schedule: own.entries.get('schedule') });
    const base = nodeAt(defaults ?? map(new Map(), own.at), [kind]);
    const whole: MapNode = { ...(base?.is === 'map' ? mergeNodes(base, own) : own), at: entry.at };
    const complete = withImages(withPaths(await withEnvFiles(whole, registry, faults, files), registry, read.baseDir), images, registry, read.baseDir);
    checkWorker(name, complete, registry, faults);
    const ownProfiles = texts(complete.entries.get('profiles')?.value);
    if (ownProfiles.length > 0 && !ownProfiles.some((profile) => profiles.includes(profile)))
      left.set(name, `its profile (${ownProfiles.join(', ')}) is not chosen`);
    else workers.set(name, withVolumes(withNetworks(complete, networks, registry), volumes, registry));
  }
  checkDependencies(workers, left, registry, faults);
  checkPorts(workers, registry, faults);
  checkSharing(workers, left, registry, faults);
  checkNetworks(workers, networks, registry, faults);
  await checkBuilds(workers, registry, read.baseDir, faults);
  faults.throwIfAny();
  for (const [name, worker] of workers) warnings.push(...probePortWarnings(name, worker, registry));
  if (workers.size === 0) warnings.push(`${read.path} names no worker that runs here`);

  const shown = all?.is === 'map' ? new Map(all.entries) : new Map();
  for (const [name, worker] of workers)
    shown.set(name, { at: shown.get(name)?.at ?? worker.at, value: without(worker, 'imageChain', 'networkDefinitions', 'volumeDefinitions') });
  const root = all?.is === 'map' && workers.size > 0 ? withNode(read.root, ['workers'], { ...all, entries: shown }) : read.root;
  const part = (name: string): Json => toJson(nodeAt(read.root, [name]) ?? map(new Map(), read.root.at));
  return {
    path: read.path,
    baseDir: read.baseDir,
    host: read.host,
    files: [...files],
    plugins: read.plugins,
    agent: read.agent,
    policy: read.policy,
    workers: Object.fromEntries(
      [...workers].map(([name, worker]) => [name, { written: toJson(without(worker, 'enabled', 'profiles')), place: (path: Path) => placeAt(worker, path) }]),
    ),
    left: Object.fromEntries(left),
    volumes: part('volumes'),
    networks: part('networks'),
    root,
    warnings,
  };
}

export interface LoadOptions extends ReadOptions, CheckOptions {
  /** Called with the plugins that the file names; answers with what they bring. */
  readonly schemas: (plugins: readonly PluginUse[], read: ReadHostFile) => Registry | Promise<Registry>;
}

/** Both halves. Codes: host-file-missing, -empty, -syntax, -invalid, -untrusted, runtime-unknown, and what `schemas` throws. */
export async function loadHostFile(options: LoadOptions): Promise<HostConfig> {
  const read = await readHostFile(options);
  return checkWorkers(read, await options.schemas(read.plugins, read), options);
}

async function filled(node: Node | undefined, vars: ReadHostFile['vars'], budget: TextBudget, faults: Faults): Promise<MapNode | null> {
  if (node?.is !== 'map') return null;
  const entries = new Map(node.entries);
  // entry by entry, so that one bad variable does not hide the others
  for (const [key, entry] of node.entries) {
    const value = await faults.collect(() => interpolate(entry.value, vars, budget));
    if (value) entries.set(key, { at: entry.at, value });
    else entries.delete(key);
  }
  return map(entries, node.at);
}

function kindText(node: MapNode): 'service' | 'job' | 'cron' | undefined {
  const found = node.entries.get('kind')?.value;
  return found?.is === 'scalar' && (found.value === 'job' || found.value === 'cron') ? found.value : undefined;
}

const texts = (node: Node | undefined): readonly string[] =>
  node?.is === 'list' ? node.items.flatMap((item) => (item.is === 'scalar' && typeof item.value === 'string' ? [item.value] : [])) : [];

/** The profiles asked for; one that no worker has is a slip of the pen. */
function checkProfiles(root: MapNode, asked: readonly string[], faults: Faults): readonly string[] {
  const workers = nodeAt(root, ['workers']);
  const known = new Set(workers?.is === 'map' ? [...workers.entries.values()].flatMap((entry) => texts(nodeAt(entry.value, ['profiles']))) : []);
  for (const profile of asked) {
    if (known.has(profile)) continue;
    const near = nearest(profile, [...known]);
    faults.invalid(
      `no worker has the profile \`${profile}\``,
      root.at,
      near ? `Did you mean \`${near}\`?` : known.size > 0 ? `Profiles: ${[...known].join(', ')}.` : 'The host file has no profiles.',
    );
  }
  return asked;
}
