import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  AgentIdentity,
  Clock,
  type FactSource,
  Folders,
  kindNames,
  type Life,
  Logger,
  type Probe,
  type RuntimeDriver,
  runtimeFailure,
  type SecretSource,
  type Token,
} from '@ostler/sdk';
import type { CoreClock } from '../base/clock.ts';
import { createRegistrations } from '../base/di.ts';
import { Lifecycle } from '../base/lifecycle.ts';
import type { AgentLogger } from '../base/logger.ts';
import { noMemoryFolder, ownFolder } from '../base/paths.ts';
import type { InPlugin } from '../base/watchdog.ts';
import type { Loaded } from './load.ts';

const startMs = 30_000;
const stopMs = 5000;

export interface SetUpGiven {
  readonly log: AgentLogger;
  readonly clock: CoreClock;
  readonly dataDir: string;
  /** On tmpfs; `null` = this host has none. */
  readonly secretsDir: string | null;
  readonly uid: number;
  readonly identity: AgentIdentity;
  readonly inPlugin: InPlugin;
}

/** A plugin that failed: by name, and in what. The others run on. */
export interface Failure {
  readonly code: 'plugin-setup-failed' | 'plugin-setup-timeout';
  readonly plugin: string;
  readonly what: string;
  readonly message: string;
}

export interface Hosted {
  readonly name: string;
  readonly class: 'container' | 'process' | 'cluster';
  readonly pluginId: string;
  readonly driver: RuntimeDriver;
}

/** What the plugins bring, running. */
export interface SetUp {
  readonly runtimes: ReadonlyMap<string, Hosted>;
  readonly probes: ReadonlyMap<string, { readonly plugin: string; readonly probe: Probe }>;
  readonly secretSources: ReadonlyMap<string, SecretSource>;
  readonly facts: ReadonlyMap<string, FactSource>;
  readonly failures: readonly Failure[];
  list(): readonly {
    readonly id: string;
    readonly use: string;
    readonly from: string;
    readonly release: string | null;
    readonly contributes: string[];
    readonly state: 'ready' | 'failed';
    readonly problem: string | null;
  }[];
  /** Closes the drivers, then undoes what the plugins did, last first. No worker is stopped. */
  stop(): Promise<void>;
}

type Given = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Runs every plugin's `setup` and then what it registered to run at the start. One that throws, waits or answers wrongly is named and left out. */
export async function setUp(loaded: readonly Loaded[], given: SetUpGiven): Promise<SetUp> {
  const { clock, log } = given;
  const lifecycle = new Lifecycle(clock);
  const failures: Failure[] = [];
  const fail = (plugin: string, what: string, error: unknown): void => {
    const message = error instanceof Error ? error.message : String(error);
    const code = error instanceof Late ? 'plugin-setup-timeout' : 'plugin-setup-failed';
    failures.push({ code, plugin, what, message });
    log.error({ plugin, code }, `the plugin ${plugin} failed in ${what}: ${message}`);
  };
  const root = createRegistrations();
  root.bind(Clock, () => clock, 'the agent');
  root.bind(AgentIdentity, () => given.identity, 'the agent');
  const brought = new Map<string, Given>();
  const toStart: { readonly id: string; readonly starts: readonly Start[] }[] = [];
  for (const { plugin, config } of loaded) {
    const { id } = plugin;
    const starts: Start[] = [];
    const life: Life = { onStart: (run) => void starts.push(run), onStop: (run) => lifecycle.push(`plugin ${id}`, run, stopMs) };
    try {
      const own = root.child();
      own.bind(Logger, () => log.child({ plugin: id }), 'the agent');
      own.bind(Folders, () => foldersOf(id, given), 'the agent');
      const needs = Object.fromEntries(Object.entries(plugin.needs ?? {}).map(([name, token]) => [name, need(own, token, id)]));
      const gives = given.inPlugin(id, () => plugin.setup({ ...needs, config }, life));
      brought.set(id, checked(plugin.contributes, gives));
      toStart.push({ id, starts });
    } catch (error) {
      fail(id, 'setup', error);
    }
  }
  await Promise.all(
    toStart.map(async ({ id, starts }) => {
      for (const run of starts) await begin(clock, (signal) => given.inPlugin(id, () => run(signal))).catch((error) => fail(id, 'its start', error));
    }),
  );

  const pick = <T>(kind: string): ReadonlyMap<string, T> =>
    new Map([...brought.values()].flatMap((kinds) => Object.entries(kinds[kind] ?? {}) as [string, T][]));
  const runtimes = new Map<string, Hosted>();
  for (const { plugin } of loaded)
    for (const [name, driver] of Object.entries(brought.get(plugin.id)?.['runtimes'] ?? {}))
      runtimes.set(name, { name, class: plugin.contributes.runtimes![name]!.class, pluginId: plugin.id, driver: driver as RuntimeDriver });
  // Pushed last, so closed first.
  for (const { name, driver } of runtimes.values()) lifecycle.push(`the runtime ${name}`, () => driver.close(), stopMs);

  return {
    runtimes,
    probes: new Map(
      [...brought].flatMap(([plugin, kinds]) =>
        Object.entries(kinds['probes'] ?? {}).map(([name, probe]) => [name, { plugin, probe: probe as Probe }] as const),
      ),
    ),
    secretSources: pick<SecretSource>('secrets'),
    facts: pick<FactSource>('facts'),
    failures,
    list: () =>
      loaded.map(({ plugin, use, from, release }) => {
        const failure = failures.find((one) => one.plugin === plugin.id);
        const contributes = kindNames.flatMap((kind) => Object.keys(plugin.contributes[kind] ?? {}).map((name) => `${kind}: ${name}`));
        return {
          id: plugin.id,
          use,
          from,
          release,
          contributes,
          state: failure ? 'failed' : 'ready',
          problem: failure ? `${failure.what}: ${failure.message}` : null,
        } as const;
      }),
    stop: () => lifecycle.stop(),
  };
}

type Start = (signal: AbortSignal) => Promise<void>;

class Late extends Error {}

async function begin(clock: CoreClock, run: Start): Promise<void> {
  const controller = new AbortController();
  const cancel = clock.after(startMs, () => controller.abort(new Late(`it was not done within ${startMs / 1000} s`)));
  const late = new Promise<never>((_, reject) => controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true }));
  try {
    await Promise.race([late, Promise.resolve().then(() => run(controller.signal))]);
  } finally {
    cancel();
  }
}

function need(from: ReturnType<typeof createRegistrations>, token: Token<unknown>, id: string): unknown {
  if (from.has(token)) return from.get(token);
  throw new Error(`it needs ${token.description ?? 'something'}, which this agent does not have; there is ${from.tokens().join(', ')} (${id})`);
}

/** Two ids may give one name: that is refused when they are loaded. */
export const folderName = (id: string): string => id.replaceAll(/[^A-Za-z0-9._-]/g, '-').replace(/^[.-]+/, '');

function foldersOf(id: string, { dataDir, secretsDir, uid }: SetUpGiven): Folders {
  const name = folderName(id);
  const state = join(dataDir, 'plugins', name);
  mkdirSync(join(dataDir, 'plugins'), { recursive: true, mode: 0o700 });
  ownFolder(state, uid);
  return {
    state,
    secrets() {
      if (secretsDir === null) {
        const { message, hint } = noMemoryFolder();
        throw runtimeFailure({ code: 'unsupported', outcome: 'no', retryable: false, message: `${message}; ${hint}` });
      }
      const folder = join(secretsDir, name);
      ownFolder(folder, uid);
      return folder;
    },
  };
}

/** Exactly what was declared: a promise, a name too few or too many is refused. */
function checked(declares: Readonly<Record<string, object | undefined>>, gives: unknown): Given {
  if (typeof (gives as { then?: unknown } | null)?.then === 'function') {
    // It is refused already: what becomes of it must not end the agent as a rejection that nobody handled.
    void Promise.resolve(gives).catch(() => {});
    throw new Error('setup returned a promise: it must be synchronous, what waits belongs into life.onStart');
  }
  if (typeof gives !== 'object' || gives === null) throw new Error('setup returned nothing, although the plugin declares what it contributes');
  const names = (kinds: object): readonly string[] =>
    Object.entries(kinds).flatMap(([kind, own]) => Object.keys((own as object | undefined) ?? {}).map((name) => `${kind}.${name}`));
  const [declared, given] = [names(declares), names(gives)];
  const missing = declared.filter((name) => !given.includes(name));
  const extra = given.filter((name) => !declared.includes(name));
  if (missing.length > 0) throw new Error(`setup did not return ${missing.join(', ')}, which it declares`);
  if (extra.length > 0) throw new Error(`setup returned ${extra.join(', ')}, which it does not declare`);
  const empty = Object.entries(gives).flatMap(([kind, own]) => Object.entries(own ?? {}).flatMap(([name, value]) => (isThing(value) ? [] : `${kind}.${name}`)));
  if (empty.length > 0) throw new Error(`setup returned nothing that could be used for ${empty.join(', ')}`);
  return gives as Given;
}

const isThing = (value: unknown): boolean => (typeof value === 'object' && value !== null) || typeof value === 'function';
