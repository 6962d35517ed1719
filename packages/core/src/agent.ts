import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { Plugin } from '@ostler/sdk';
import type { Control } from './api/control.ts';
import { makeRoom } from './api/socket.ts';
import { systemClock } from './base/clock.ts';
import { newInstanceId } from './base/ids.ts';
import { Lifecycle } from './base/lifecycle.ts';
import type { AgentLogger } from './base/logger.ts';
import { makeSecretsDir, type Paths } from './base/paths.ts';
import { StuckCalls } from './base/stuck-calls.ts';
import { keepTidy } from './base/tidy.ts';
import { Watchdog } from './base/watchdog.ts';
import { firstStarts, restore, resume } from './boot.ts';
import { makeControl, type Parts } from './control/index.ts';
import { DesiredFile } from './desired-file.ts';
import { HostFile } from './host-file.ts';
import { Hosting } from './hosting.ts';
import { entries, type Journal, openJournal } from './journal/index.ts';
import { loadPlugins } from './plugin/index.ts';
import { Policing } from './policing.ts';
import { answerOf, Prober } from './probe/index.ts';
import { keepCollected, Reconciler } from './reconcile/index.ts';
import { missedBetween, nextDue } from './schedule/index.ts';
import { Revealer } from './secret/index.ts';
import { type Normal, noPolicy, normalise } from './spec/index.ts';
import { type GenerationRecord, type JournalEntry, keyedHmac, openDataDir, openStore } from './store/index.ts';
import { type Applied, Crew, type CrewGiven, Down, type RuntimeAccess, sentence, startSlots } from './supervise/index.ts';

export interface AgentOptions {
  /** Absolute path of the host file. */
  readonly hostFile: string;
  readonly paths: Paths;
  /** `up`: the file is applied as it is; `serve`: the workers run on as they were applied last, a changed file is shown as pending. */
  readonly mode: 'up' | 'serve';
  /** Version of ostler. */
  readonly release: string;
  /** Plugins that come with ostler. */
  readonly builtins: readonly { readonly plugin: Plugin; readonly from: string; readonly release: string | null }[];
  /** Packages are also looked for from here. */
  readonly ownFolder: string;
  readonly profiles: readonly string[];
  /** This machine's name, if the file gives none. */
  readonly host?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: AgentLogger;
  /** Of `startStoreThread`, where it was started early. */
  readonly storeThread?: Worker | undefined;
}

export interface Agent {
  readonly control: Control;
  /** Resolves when the agent has ended, whoever asked for it. */
  readonly closed: Promise<{ readonly by: string }>;
  /** Ends the agent; `leave`: its workers run on. A second call waits for the first, `stop` wins over neither. */
  stop(how: { readonly workers: 'stop' | 'leave'; readonly cause: string }): Promise<void>;
  /** Reads the host file again. */
  reload(): Promise<void>;
}

const journalBounds = { keepEntries: 20_000, keepDays: 30 };
/** How long a shutdown waits for the workers beyond what each of them may take. */
const stopAllMs = 10 * 60_000;
/**
 * Composition root: brings up store, plugins, runtimes and supervision, takes over what runs, then answers on the socket. Rejects with a problem and
 * leaves the workers as they are when it cannot.
 */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const life = new Lifecycle(systemClock, { isProcess: true });
  try {
    return await compose(options, life);
  } catch (error) {
    await life.stop().catch((failed) => options.log.warn({ error: String(failed) }, 'not everything could be undone'));
    throw error;
  }
}

async function compose(options: AgentOptions, life: Lifecycle): Promise<Agent> {
  const { paths, log, mode, release } = options;
  const clock = systemClock;
  const startedAt = clock.isoNow();
  const uid = process.getuid?.() ?? 0;
  // Before anything is touched: an agent that answers there keeps its socket, and this one must not have started workers by then.
  await makeRoom(paths.socket);
  const hostFile = new HostFile(options, (uses) => {
    // Its own code is trusted not to keep the loop busy; other people's is watched from before it runs.
    if (uses.some(({ use }) => !options.builtins.some(({ plugin }) => plugin.id === use))) watchdog.start();
    return loadPlugins({ uses, builtins: options.builtins, ownFolder: options.ownFolder, uid, watchdog });
  });
  hostFile.begin();
  const dataDir = await openDataDir(paths.dataDir);
  let open: Journal | null = null;
  /** A line that nothing depends on: where it cannot be kept, it is not. */
  const note = (entry: JournalEntry): void => void open?.record({ journal: [entry] }).catch(() => {});
  const watchdog = new Watchdog({
    file: join(paths.dataDir, 'watchdog.log'),
    onStall: ({ busyMs, plugin, text }) => {
      log.error({ plugin }, text);
      note(entries['loop.stalled'](clock.isoNow(), { ms: busyMs, during: plugin === null ? null : `the plugin ${plugin}` }));
    },
  });
  life.push('watchdog', () => watchdog.close());
  const readFile = async (canDoWithout: boolean, before: Applied | null) => {
    const loaded = await hostFile.loadPlugins(canDoWithout, before);
    return { plugins: loaded, read: await hostFile.read().catch((error: unknown) => (canDoWithout ? null : Promise.reject(error))) };
  };
  // `up` is nothing without its file: it is read while the store opens.
  const early = mode === 'up' ? readFile(false, null) : null;
  early?.catch(() => {});
  const disk = { isFull: false };
  const store = await openStore({ dataDir: paths.dataDir, thread: options.storeThread, log, onFull: (isFull) => Object.assign(disk, { isFull }) });
  life.push('store', () => store.close());
  const journal = openJournal(store, { ...journalBounds, log });
  open = journal;
  life.push('journal', () => journal.close());
  const snapshot = await store.load();
  const applied = (snapshot.values['applied'] ?? null) as Applied | null;
  // Something of this agent may run that its store never heard of; not beside one that was begun with its data directory.
  const isLost = (snapshot.values['isComplete'] ?? (applied !== null || dataDir.isNew)) !== true;
  // Said before anything can fail: an agent that ends, for its first file is refused, is no lost store for the next one.
  if (snapshot.values['isComplete'] === undefined && dataDir.isNew) journal.record({ values: { isComplete: true } }).catch(() => {});
  const stuck = new StuckCalls();
  // Without workers to keep, a file that cannot be read is the end; with some, they are kept running as they were applied.
  const { plugins, read } = await (early ?? readFile(applied !== null, applied));
  let desired: DesiredFile | null = null;
  const config = () => (desired === null ? read : desired.config);
  const hostName = (): string => config()?.host ?? applied?.host ?? options.host ?? hostname();

  if (paths.secretsDir !== null) makeSecretsDir(paths.secretsDir, uid);
  const setUp = await plugins.setUp({
    ...{ log, clock, dataDir: paths.dataDir, secretsDir: paths.secretsDir, uid, inPlugin: watchdog.inPlugin },
    identity: { id: dataDir.agentId, host: hostName() },
  });
  life.push('plugins', () => setUp.stop(), 30_000);
  const prober = new Prober({
    ...{ clock, stuck, inPlugin: watchdog.inPlugin, probes: setUp.probes },
    wasAwakeSince: (ms) => watchdog.lag.wasAwakeSince(ms),
  });
  life.push('probes', () => prober.close());
  let hosting: Hosting | null = null;
  const policing = new Policing({
    policy: () => config()?.policy ?? applied?.policy ?? noPolicy,
    runtimes: () => hosting?.runtimes ?? new Map(),
    socket: paths.socket,
  });
  const revealer = new Revealer({ sources: setUp.secretSources, hmac: (bytes) => keyedHmac(dataDir.key, bytes), clock, stuck, log });
  const normals = new WeakMap<GenerationRecord, Normal>();
  const services: CrewGiven['services'] = {
    agentId: dataDir.agentId,
    get hostName() {
      return hostName();
    },
    ...{ clock, log, journal, stuck, inPlugin: watchdog.inPlugin },
    newInstanceId: () => newInstanceId(clock.nowMs()),
    random: Math.random,
    runtime: (name): RuntimeAccess | null => hosting?.runtimes.get(name)?.access ?? null,
    normal(generation) {
      const known = normals.get(generation);
      if (known) return known;
      const { worker, runtime, baseDir, written } = generation;
      const normal = normalise(written, { name: worker, runtime, baseDir, registry: plugins.registry });
      normals.set(generation, normal);
      return normal;
    },
    reveal: ({ worker, baseDir }, normal, signal) => revealer.secrets(worker, normal, baseDir, signal),
    probe: ({ startedMs, isAdopted, health, exec, ...watch }) =>
      prober.watch({
        ...watch,
        startedAtMs: prober.startedAtMs(watch, startedMs),
        ...(isAdopted ? { initialHealth: health } : {}),
        exec: async (argv, call) => answerOf(await exec(argv, call.signal), call, clock),
      }),
    nextDue,
    missed: missedBetween,
    forbidden: (neighbour) => policing.forbidden(neighbour) ?? hosting?.mayRunElsewhere(neighbour.spec.name, neighbour.runtime) ?? null,
  };
  const crew = new Crew({ services, startSlots: startSlots((read === null ? applied?.startConcurrency : read.agent.startConcurrency) ?? null) });
  let hasBegun = false;
  hosting = new Hosting({
    ...{ crew, hosted: setUp.runtimes, registry: plugins.registry, known: { getConfig: config, key: dataDir.key } },
    builtins: new Set(options.builtins.map(({ plugin }) => plugin.id)),
    timings: () => config()?.agent.probes ?? {},
    onChange(runtime, { state, reason }) {
      if (state === 'down') note(entries['runtime.down'](clock.isoNow(), { runtime, message: sentence(reason ?? 'no answer') }));
      else if (hasBegun) note(entries['runtime.up'](clock.isoNow(), { runtime, afterMs: null }));
    },
  });
  const hosts = hosting;
  life.push('runtimes', () => hosts.close());
  life.push('supervision', () => crew.close());
  restore(crew, snapshot);
  const adopting = hosts.beginAtBoot(snapshot, read, isLost);
  const down = new Down(crew);
  down.resume(snapshot.values);
  const adopted = await adopting;
  hasBegun = true;
  const begun = journal.record({
    values: { isComplete: hosts.unlisted().length === 0 },
    journal: [
      ...(store.setAside === null ? [] : [entries['store.set-aside'](startedAt, { path: store.setAside, why: 'it could not be read' })]),
      ...setUp.failures.map(({ plugin, what, message }) => entries['plugin.failed'](startedAt, { plugin, what, message: sentence(message) })),
      entries['agent.started'](startedAt, { version: release, pid: process.pid, hostFile: options.hostFile, adopted }),
    ],
  });
  // On a full disk an agent is needed more than a line about it.
  await begun.catch((error) => log.warn({ error: String(error) }, 'the start of the agent could not be written down'));

  const reconciler = new Reconciler({
    crew,
    key: dataDir.key,
    desiring: {
      services: crew.services,
      registry: plugins.registry,
      runtimes: hosts.names(),
      forbidden: (neighbour) => policing.findings(neighbour),
      secretVersions: (...of) => revealer.versions(...of),
    },
  });
  life.push('preparations', () => reconciler.close());
  let isServing = false;
  const closed = Promise.withResolvers<{ readonly by: string }>();
  const ended = new AbortController();
  let stopping: Promise<void> | null = null;

  const ofFile = new DesiredFile({
    ...{ hostFile, path: options.hostFile, config: read, isApplied: applied !== null, reconciler, clock, log, ended: ended.signal },
    isServing: () => isServing,
    beginFor: (named) => hosts.beginFor(named),
    onRead: () => crew.update(),
  });
  desired = ofFile;
  life.push('desired file', () => ofFile.close());
  const parts: Parts = {
    ...{ agentId: dataDir.agentId, release, mode, startedAt, paths, crew, down, journal, reconciler: ofFile, hosting: hosts, policing, stuck, hostName },
    hostFile: () => options.hostFile,
    hostFileProblem: () => ofFile.trouble,
    readHostFile: (path) => ofFile.read(path),
    pending: () => ofFile.pending,
    leftOut: (worker) => ofFile.config?.left[worker] ?? null,
    plugins: () => [...setUp.list()],
    notes: () => [...dataDir.notes, ...revealer.warnings],
    isStoreFull: () => disk.isFull,
    reload: () => ofFile.reload(),
    endSoon: (cause) => void setTimeout(() => void stop({ workers: 'leave', cause }), 50),
  };
  const control = makeControl(parts);

  await Promise.all(crew.all().map((one) => resume(crew, one)));
  crew.update();
  // Who starts an agent is told by its end that the file is refused, unless that would leave workers to nobody. `up` has who looks after them.
  const mustApply = mode === 'up' || (applied === null && crew.all().length === 0 && hosts.unlisted().length === 0);
  if (mustApply && read !== null) await ofFile.apply(read, { allowRemove: false, by: mode === 'up' ? 'up' : 'the first start' }, ended.signal);
  if (mode === 'up') await Promise.all(crew.all().map((one) => one.send({ type: 'start', by: 'up', cause: 'release' })));
  if (!mustApply) await ofFile.reload();
  // The workers before the socket: loading the server takes longer than starting one.
  await firstStarts(crew);
  watchdog.start();
  const { openApi } = await import('./api/server.ts');
  const api = await openApi({ control, socket: paths.socket, uid, log, clock });
  isServing = true;
  life.push('control socket', () => api.close());
  // Before who waits for it is cut off: that calls nothing off.
  life.push('down', () => down.close());
  const watching = hostFile.watch(clock, () => void ofFile.reload());
  life.push('watch of the host file', () => watching());
  life.push('tidying', keepTidy(clock));
  life.push(
    'collection',
    keepCollected(crew, () => [...hosts.runtimes.values()].map(({ access }) => access)),
  );

  function stop(how: { readonly workers: 'stop' | 'leave'; readonly cause: string }): Promise<void> {
    stopping ??= end(how);
    return stopping;
  }
  async function end({ workers, cause }: { readonly workers: 'stop' | 'leave'; readonly cause: string }): Promise<void> {
    crew.shutGate();
    if (workers === 'stop') await crew.stopWithAgent(AbortSignal.timeout(stopAllMs));
    ended.abort();
    await journal
      .record({ journal: [entries['agent.stopped'](clock.isoNow(), { cause, workers: workers === 'stop' ? 'stopped' : 'left running' })] })
      .catch(() => {});
    await life.stop().catch((error) => log.warn({ error: String(error) }, 'not everything ended as it should'));
    closed.resolve({ by: cause });
  }
  return { control, closed: closed.promise, stop, reload: () => ofFile.reload() };
}
