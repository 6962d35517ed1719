import { randomBytes } from 'node:crypto';
import type { Call, Exit, Found, InstanceRef, LogFrom, LogRecord, Observed, Plugin, Run, RuntimeDriver, Secrets, Target, WorkerSpec } from '@ostler/sdk';
import { probeCommand } from '../probe-command.ts';
import { endProcessesOf } from '../processes.ts';
import { waitFor } from '../wait-for.ts';
import { workerSpec } from '../worker-spec.ts';
import { absent } from './absent.ts';
import { type AgentProcess, spawnAgentProcess } from './agent-process.ts';
import { notifyCommand } from './notify-command.ts';
import { type OpenDriver, openDriver, parseOptions } from './open-driver.ts';
import { makeScene, removeScene, type Scene } from './scene.ts';

/** Fields of the worker under test, laid over the defaults. `probe`: argv that stands before the words of the probe worker. A key with the runtime's name is its own block. */
export type WorkerUnderTest = Partial<Omit<WorkerSpec, 'command' | 'options'>> & { readonly probe?: readonly string[]; readonly [runtime: string]: unknown };

export interface KitOptions {
  /** Name of the runtime within the plugin. */
  readonly runtime: string;
  readonly worker?: WorkerUnderTest | ((scene: Scene) => WorkerUnderTest) | undefined;
  /** The plugin's own config, before its schema. */
  readonly config?: unknown;
  /** Laid around each driver: planted bugs, recorders. */
  readonly wrap?: ((driver: RuntimeDriver, scene: Scene) => RuntimeDriver) | undefined;
  /** What a child process imports to get the plugin (its default export, or the export that is a plugin). A file URL or a package; the plugin's id if not given. */
  readonly module?: string | undefined;
  readonly services?: ReadonlyMap<symbol, unknown> | undefined;
  /**
   * `as-declared`: where `facts.outlives.agent` is false, cases that kill an agent are absent. `always`: they run whatever the facts say; for a
   * runtime whose workers live on when the agent's process alone dies, though not when the container around it does.
   */
  readonly agentDeath?: 'as-declared' | 'always' | undefined;
  /** argv of a worker that sends each message to `NOTIFY_SOCKET` as a datagram of its own, in order, and lives on. By perl or python3 if not given. */
  readonly notify?: ((messages: readonly string[]) => readonly string[]) | undefined;
}

export interface StartGiven {
  readonly ref?: InstanceRef;
  readonly driver?: RuntimeDriver;
  readonly spec?: Partial<WorkerSpec>;
  readonly secrets?: Secrets;
  readonly env?: Readonly<Record<string, string>>;
  readonly call?: Call;
}

export interface Started {
  readonly ref: InstanceRef;
  readonly run: Run;
  readonly observed: Observed;
  readonly target: Target;
}

export const noSecrets: Secrets = { files: [], env: {} };

/** What a case works with: one agent in folders of its own, and the driver under test. */
export interface Kit {
  readonly scene: Scene;
  readonly plugin: Plugin;
  readonly driver: RuntimeDriver;
  /** All that the plugin logged, of every driver opened in this case. */
  logged(): readonly string[];
  /** Aborts after `ms`, or with the signal given. */
  call(ms?: number, signal?: AbortSignal): Call;
  /** A name never used before. */
  ref(given?: Partial<InstanceRef>): InstanceRef;
  spec(probe: readonly string[], given?: Partial<WorkerSpec>): WorkerSpec;
  /** argv of a worker that says these by sd_notify(3): see {@link KitOptions.notify}. */
  notifyCommand(messages: readonly string[]): readonly string[];
  /** Resolved and prepared, as core does before a start. */
  prepared(ref: InstanceRef, probe: readonly string[], given?: StartGiven): Promise<Run>;
  start(probe: readonly string[], given?: StartGiven): Promise<Started>;
  /** A second driver on the same folders: the agent that comes back. */
  reopen(): Promise<RuntimeDriver>;
  /** A driver of another agent on the same host. */
  stranger(): Promise<{ readonly driver: RuntimeDriver; readonly scene: Scene }>;
  /** An agent in a process of its own, for a kill -9. */
  agentProcess(): Promise<AgentProcess>;
  /** Ends the case as absent where workers do not outlive their agent: see {@link KitOptions.agentDeath}. */
  needsAgentDeath(): Promise<void>;
  inspect(target: Target, driver?: RuntimeDriver): Promise<Found>;
  /** Waits until inspect says `exited`. */
  exit(target: Target, driver?: RuntimeDriver): Promise<Exit>;
  /** Every record there is now, or with `follow` until the log ends. */
  records(target: Target, given?: { readonly from?: LogFrom; readonly follow?: boolean; readonly driver?: RuntimeDriver }): Promise<readonly LogRecord[]>;
  /** Waits until its stdout holds `text`; returns all of it. */
  printed(target: Target, text: string, driver?: RuntimeDriver): Promise<string>;
  /** Ends it with SIGKILL from outside: neither driver nor engine is told. */
  kill9(observed: Observed): Promise<void>;
  cleanUp(): Promise<void>;
}

/** Bytes of one stream, as text. */
export function textOf(records: readonly LogRecord[], stream: 'stdout' | 'stderr' = 'stdout'): string {
  return bytesOf(records, stream).toString('utf8');
}

export function bytesOf(records: readonly LogRecord[], stream: 'stdout' | 'stderr' = 'stdout'): Buffer {
  return Buffer.concat(records.flatMap((record) => ('bytes' in record && record.stream === stream ? [record.bytes] : [])));
}

export async function makeKit(plugin: Plugin, options: KitOptions): Promise<Kit> {
  const scene = await makeScene();
  const opened: OpenDriver[] = [];
  const scenes: Scene[] = [scene];
  const agents: AgentProcess[] = [];
  const refs = new Map<string, { readonly ref: InstanceRef; readonly driver: RuntimeDriver }>();
  const worker = typeof options.worker === 'function' ? options.worker(scene) : (options.worker ?? {});
  const { probe: prefix = probeCommand(), [options.runtime]: block = {}, ...fields } = worker;

  const open = async (where: Scene): Promise<RuntimeDriver> => {
    const one = await openDriver(plugin, options.runtime, where, { config: options.config, services: options.services });
    opened.push(one);
    return options.wrap === undefined ? one.driver : options.wrap(one.driver, where);
  };
  const driver = await open(scene);

  const call: Kit['call'] = (ms = 30_000, signal) => ({
    signal: signal ?? AbortSignal.timeout(ms),
    deadlineMs: Date.now() + ms,
    progress: () => {},
    output: () => {},
  });
  const ref: Kit['ref'] = (given = {}) => {
    const made = { agent: scene.agent, worker: 'probe', generation: '1-00000000000000aa', instance: `c${randomBytes(8).toString('hex')}`, ...given };
    refs.set(made.instance, { ref: made, driver: opened[0]?.driver ?? driver });
    return made;
  };
  const spec: Kit['spec'] = (probe, given = {}) =>
    workerSpec({
      ...(fields as Partial<WorkerSpec>),
      command: [...prefix, ...probe],
      baseDir: scene.sharedDir,
      options: parseOptions(plugin, options.runtime, block),
      ...given,
    });
  const prepared: Kit['prepared'] = async (name, probe, given = {}) => {
    const by = given.driver ?? driver;
    const full = spec(probe, given.spec);
    const artifact = await by.resolve(full, call());
    const secrets = given.secrets ?? noSecrets;
    await by.prepare({ spec: full, artifact, secrets: noSecrets }, call());
    const env = {
      OSTLER_WORKER: name.worker,
      OSTLER_INSTANCE: name.instance,
      OSTLER_GENERATION: name.generation,
      OSTLER_HOST_NAME: 'conformance',
      ...given.env,
    };
    return { spec: full, artifact, secrets, env, shares: null, gpus: [], traffic: 'live' };
  };
  const start: Kit['start'] = async (probe, given = {}) => {
    const name = given.ref ?? ref();
    const run = await prepared(name, probe, given);
    const observed = await (given.driver ?? driver).start(name, run, given.call ?? call(90_000));
    return { ref: name, run, observed, target: { ref: name, handle: observed.handle } };
  };
  const inspect: Kit['inspect'] = (target, by = driver) => by.inspect(target, call(5_000));
  const records: Kit['records'] = async (target, { from = 'start', follow = false, driver: by = driver } = {}) => {
    const all: LogRecord[] = [];
    for await (const record of by.logs(target, from, follow, call())) all.push(record);
    return all;
  };

  return {
    scene,
    plugin,
    driver,
    call,
    ref,
    spec,
    notifyCommand: options.notify ?? notifyCommand,
    prepared,
    start,
    inspect,
    records,
    logged: () => opened.flatMap((one) => one.logged),
    reopen: () => open(scene),
    stranger: async () => {
      const other = await makeScene();
      scenes.push(other);
      return { driver: await open(other), scene: other };
    },
    agentProcess: async () => {
      const child = await spawnAgentProcess({ module: options.module ?? plugin.id, runtime: options.runtime, config: options.config, scene });
      agents.push(child);
      return child;
    },
    needsAgentDeath: async () => {
      if (options.agentDeath === 'always') return;
      if (!(await driver.facts(call())).outlives.agent) throw absent('facts.outlives.agent is false here');
    },
    exit: (target, by) =>
      waitFor(`inspect says exited of ${target.ref.instance}`, async () => {
        const found = await inspect(target, by);
        return found.is === 'exited' ? found.exit : undefined;
      }),
    printed: (target, text, by = driver) =>
      waitFor(`the worker's stdout holds ${JSON.stringify(text)}`, async () => {
        const printed = textOf(await records(target, { driver: by }));
        return printed.includes(text) ? printed : undefined;
      }),
    kill9: (observed) => endProcessesNamed(observed),
    cleanUp: async () => {
      for (const child of agents) await child.kill9();
      // also what a driver with a bug started under a name of its own
      const base = opened[0]?.driver ?? driver;
      const strays = await base.list(scene.agent, call(5_000)).catch(() => ({ instances: [] }));
      for (const { ref: stray } of strays.instances) if (!refs.has(stray.instance)) refs.set(stray.instance, { ref: stray, driver: base });
      for (const one of refs.values()) {
        const target = { ref: one.ref, handle: null };
        // what a case leaves behind may be damaged on purpose: the next line ends its processes whatever the driver says
        await one.driver.stop(target, { signal: 'SIGKILL', graceMs: 0 }, call(5_000)).catch(() => {});
        await endProcessesOf(one.ref.instance);
        await one.driver.remove(target, call(5_000)).catch(() => {});
      }
      for (const one of opened) await one.close().catch(() => {});
      for (const one of scenes) await removeScene(one);
    },
  };
}

async function endProcessesNamed(observed: Observed): Promise<void> {
  if (observed.is === 'running' && observed.pid !== undefined) process.kill(observed.pid, 'SIGKILL');
  else await endProcessesOf(observed.ref.instance);
}
