import type { HostConfig, PluginSet, ReadHostFile } from '@ostler/core';
import { type EngineFacts, type Finding, isRuntimeFailure, type RuntimeDriver, type WorkerSpec } from '@ostler/sdk';
import { type AgentVerbOptions, agentOptions, loadCore } from './options.ts';

/** A host file read with its plugins, as far as that goes without an agent. */
export interface Host {
  readonly core: Awaited<ReturnType<typeof loadCore>>['core'];
  readonly given: Awaited<ReturnType<typeof agentOptions>>;
  readonly read: ReadHostFile;
  readonly plugins: PluginSet;
  /** Checks the workers too. Throws one problem with all that is wrong. */
  config(): Promise<HostConfig>;
}

/** Throws a problem of the host file or of its plugins. */
export async function readHost(options: AgentVerbOptions): Promise<Host> {
  const loaded = await loadCore();
  const { core } = loaded;
  const given = await agentOptions(loaded, options);
  const read = await core.readHostFile({ path: given.hostFile, env: process.env });
  const plugins = await core.loadPlugins({ uses: read.plugins, builtins: given.builtins, ownFolder: given.ownFolder, uid: process.getuid?.() ?? 0 });
  return { core, given, read, plugins, config: () => core.checkWorkers(read, plugins.registry, { profiles: given.profiles }) };
}

export interface Asked {
  readonly name: string;
  readonly class: 'container' | 'process' | 'cluster';
  readonly pluginId: string;
  readonly driver: RuntimeDriver;
  readonly facts: EngineFacts | null;
  /** Why there are no facts. */
  readonly reason: string | null;
  /** This host has no such engine. */
  readonly isMissing: boolean;
}

const factsMs = 10_000;

/**
 * Sets the plugins up in a folder of their own that is thrown away, asks each runtime of `names` (all, if absent) what it offers, and hands both to
 * `use`. Touches no worker.
 */
export async function withRuntimes<T>(
  { core, plugins }: Pick<Host, 'core' | 'plugins'>,
  use: (
    runtimes: readonly Asked[],
    failures: readonly { plugin: string; what: string; message: string }[],
    list: ReturnType<Awaited<ReturnType<PluginSet['setUp']>>['list']>,
  ) => Promise<T>,
  names?: ReadonlySet<string>,
): Promise<T> {
  const { mkdtemp, rm } = await import('node:fs/promises');
  const { tmpdir } = await import('node:os');
  const { join } = await import('node:path');
  const dataDir = await mkdtemp(join(tmpdir(), 'ostler-look-'));
  const log = core.createLogger({ level: 'error' });
  const silent = { ...log, error() {}, child: () => silent };
  const up = await plugins.setUp({
    ...{ log: silent, clock: core.systemClock, dataDir, secretsDir: null, uid: process.getuid?.() ?? 0 },
    ...{ identity: { id: '00000000-0000-4000-8000-000000000000', host: 'look' }, inPlugin: (_, run) => run() },
  });
  try {
    const asked = await Promise.all(
      [...up.runtimes.values()]
        .flatMap((one) => (names?.has(one.name) === false ? [] : [one]))
        .map(async (runtime): Promise<Asked> => {
          const signal = AbortSignal.timeout(factsMs);
          const late = new Promise<never>((_, reject) =>
            signal.addEventListener('abort', () => reject(new Error(`no answer within ${factsMs / 1000} s`)), { once: true }),
          );
          try {
            const call = { signal, deadlineMs: Date.now() + factsMs, progress() {}, output() {} };
            return { ...runtime, facts: await Promise.race([runtime.driver.facts(call), late]), reason: null, isMissing: false };
          } catch (error) {
            const isMissing = isRuntimeFailure(error) && error.code === 'unsupported';
            return { ...runtime, facts: null, reason: error instanceof Error ? error.message : String(error), isMissing };
          }
        }),
    );
    return await use(asked, up.failures, up.list());
  } finally {
    await up.stop().catch(() => {});
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** The runtimes that the workers of a host file name. */
export const namedBy = ({ core, plugins }: Host, config: HostConfig): ReadonlySet<string> =>
  new Set(Object.values(config.workers).flatMap(({ written }) => core.preferenceOf(written, plugins.registry)));

export interface Checked {
  readonly worker: string;
  readonly runtime: string | null;
  readonly findings: readonly Finding[];
  readonly spec: WorkerSpec | null;
}

const resolveMs = 30_000;

/** What each worker's runtime says of it on this host: its findings, what the host's policy says, and whether what it would run is there. */
export function findingsOf({ core, plugins, given }: Host, config: HostConfig, runtimes: readonly Asked[]): Promise<readonly Checked[]> {
  const there = runtimes.map(({ name }) => name);
  const here = runtimes.flatMap(({ name, isMissing }) => (isMissing ? [] : [name]));
  const sockets = [given.paths.socket, ...runtimes.flatMap(({ facts }) => facts?.sockets ?? [])];
  const placed = Object.entries(config.workers).map(([worker, { written }]) => {
    const preference = core.preferenceOf(written, plugins.registry);
    const runtime = core.chooseRuntime(preference, here, null) ?? core.chooseRuntime(preference, there, null);
    const asked = runtimes.find(({ name }) => name === runtime);
    if (runtime === null || asked === undefined) return { worker, runtime, preference, on: null };
    const normal = core.normalise(written, { name: worker, runtime, baseDir: config.baseDir, registry: plugins.registry });
    return {
      worker,
      runtime,
      preference,
      on: { asked, normal, neighbour: { runtime, class: asked.class, spec: normal.spec, hostName: asked.facts?.hostName } },
    };
  });
  const neighbours = new Map(placed.flatMap(({ worker, on }) => (on === null ? [] : [[worker, on.neighbour] as const])));
  return Promise.all(
    placed.map(async ({ worker, runtime, preference, on }): Promise<Checked> => {
      if (on === null)
        return {
          worker,
          runtime,
          spec: null,
          findings: [{ level: 'refused', field: 'runtime', text: `none of its runtimes is on this host: ${preference.join(', ')}` }],
        };
      const { asked, normal, neighbour } = on;
      const { spec } = normal;
      const known = [
        ...core.forbiddenHere(config.policy, neighbour, () => sockets),
        ...core.betweenFindings(neighbour, normal.rules, (name) => neighbours.get(name)),
        ...core.unable(normal, asked, runtimes),
      ];
      if (asked.facts === null)
        return {
          worker,
          runtime,
          spec,
          findings: [...known, { level: 'unenforced', field: 'runtime', text: `the runtime ${runtime} does not answer: ${asked.reason}` }],
        };
      return { worker, runtime, spec, findings: [...known, ...asked.driver.check(spec, asked.facts), ...(await resolvable(asked.driver, spec))] };
    }),
  );
}

async function resolvable(driver: RuntimeDriver, spec: WorkerSpec): Promise<readonly Finding[]> {
  const signal = AbortSignal.timeout(resolveMs);
  try {
    await driver.resolve(spec, { signal, deadlineMs: Date.now() + resolveMs, progress() {}, output() {} });
    return [];
  } catch (error) {
    return [{ level: 'refused', field: '', text: error instanceof Error ? error.message : String(error) }];
  }
}
