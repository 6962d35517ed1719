import type { RuntimesDocument } from './api/wire.ts';
import { callWithDeadline } from './base/call.ts';
import type { Cancel } from './base/clock.ts';
import type { Known } from './boot.ts';
import type { HostConfig } from './config/index.ts';
import { type EngineState, watchEngine } from './engine/index.ts';
import { type HostedRuntime, Runtime } from './runtimes.ts';
import { preferenceOf, type Registry } from './spec/index.ts';
import type { Snapshot } from './store/index.ts';
import type { Crew } from './supervise/index.ts';

const factsMs = 10_000;
/** After a lost store an engine that the host file does not name is waited for no longer than one takes that comes up with its host. */
const lateEngineMs = 30_000;

export interface HostingGiven {
  readonly crew: Crew;
  /** Of the plugins, by name. */
  readonly hosted: ReadonlyMap<string, HostedRuntime>;
  readonly registry: Registry;
  /** Ids of the plugins that come with ostler. */
  readonly builtins: ReadonlySet<string>;
  readonly known: Known;
  /** How often an engine is asked, ms, where the host file says it. */
  timings(): { readonly ping?: number | undefined; readonly facts?: number | undefined };
  /** After each change of an engine's state, before its workers hear of it. */
  onChange(runtime: string, state: EngineState): void;
}

/**
 * The runtimes of this host. One that came with ostler and has an engine of its own is asked nothing before a worker names it: an engine that nobody
 * uses may be missing, or hang, and that is nobody's trouble.
 */
export class Hosting {
  readonly #given: HostingGiven;
  readonly #begun = new Map<string, Runtime>();
  /** Until each was asked for the first time, and what it runs was taken over: how many that were. */
  readonly #beginning = new Map<string, Promise<number>>();
  /** After a lost store: those of which it may not be known yet what they run. */
  readonly #unlisted = new Set<string>();
  #cancelLate: Cancel = () => {};

  constructor(given: HostingGiven) {
    this.#given = given;
  }

  /** Those that are in use. */
  get runtimes(): ReadonlyMap<string, Runtime> {
    return this.#begun;
  }

  /** All that are set up, be they in use or not. */
  names(): readonly string[] {
    return [...this.#given.hosted.keys()];
  }

  /**
   * Before anything is asked: what the store knows of, and what other people's plugins bring; all where it `isLost`, for nobody knows then who was used.
   * Resolves with the workers that were found running.
   */
  async beginAtBoot({ generations, instances }: Snapshot, config: HostConfig | null, isLost: boolean): Promise<number> {
    const { hosted, builtins } = this.#given;
    const always = [...hosted.values()].filter((one) => one.class === 'process' || !builtins.has(one.pluginId));
    const names = [...always.map(({ name }) => name), ...[...generations, ...instances].map(({ runtime }) => runtime), ...this.#namedBy(config)];
    if (!isLost) return this.#begin(names, true);
    for (const name of this.names()) this.#unlisted.add(name);
    const found = await this.#begin(this.names(), true);
    this.#leaveUnused(new Set(names));
    this.#cancelLate = this.#given.crew.services.clock.after(lateEngineMs, () => this.#giveUp(new Set(names)));
    return found;
  }

  /** After a lost store: engines that this host has, which may run what nobody knows of. */
  unlisted(): readonly string[] {
    for (const name of this.#unlisted) {
      const access = this.#begun.get(name)?.access;
      if (access === undefined || access.isUp() || access.isMissing?.()) this.#unlisted.delete(name);
    }
    return [...this.#unlisted];
  }

  /** What is to be known before a worker is started on this runtime: whether another one runs it. `null`: it does not, or somebody started it by hand. */
  mayRunElsewhere(worker: string, runtime: string): string | null {
    const other = this.unlisted().find((name) => name !== runtime);
    const one = this.#given.crew.get(worker);
    const wasSeen = (): boolean => one?.instances.all().some(({ startedAt }) => startedAt !== null) === true;
    if (other === undefined || one?.life.startCause === 'user' || wasSeen()) return null;
    return `an answer of the runtime ${other}, which may run it, as the store that would tell was lost; after \`ostler stop ${worker}\` and \`ostler start ${worker}\` it is not waited for`;
  }

  /** What a host file names is in use from now on. */
  async beginFor(config: HostConfig): Promise<void> {
    await this.#begin(this.#namedBy(config), false);
  }

  /** All of them; of those that nobody uses, each is asked this once. */
  async document(signal: AbortSignal): Promise<RuntimesDocument['runtimes']> {
    return Promise.all(
      [...this.#given.hosted.values()].map(async (one) => {
        const { state, since, reason, facts } = this.#begun.get(one.name)?.state() ?? (await this.#ask(one, signal));
        return {
          ...{ name: one.name, class: one.class, plugin: one.pluginId, state, since, reason },
          engineName: facts?.name ?? null,
          engineVersion: facts?.version ?? null,
          limits: facts === null ? null : { ...facts.limits },
          outlives: facts === null ? null : { ...facts.outlives },
          notes: [...(facts?.notes ?? [])],
        };
      }),
    );
  }

  close(): void {
    this.#cancelLate();
    for (const runtime of this.#begun.values()) runtime.close();
  }

  /** A program of it may be here, and nothing that ever ran. */
  #giveUp(used: ReadonlySet<string>): void {
    for (const name of this.unlisted()) if (!used.has(name)) this.#unlisted.delete(name);
    this.#given.crew.update();
  }

  /** What is missing here, or has nothing of this agent, is nobody's trouble once it was asked. */
  #leaveUnused(used: ReadonlySet<string>): void {
    const found = new Set(this.#given.crew.all().map((one) => one.runtimeName()));
    for (const [name, runtime] of this.#begun) {
      if (used.has(name) || found.has(name) || !(runtime.access.isUp() || runtime.access.isMissing?.())) continue;
      runtime.close();
      this.#begun.delete(name);
      this.#beginning.delete(name);
    }
  }

  #namedBy(config: HostConfig | null): readonly string[] {
    return Object.values(config?.workers ?? {}).flatMap(({ written }) => preferenceOf(written, this.#given.registry));
  }

  async #begin(names: readonly string[], isBoot: boolean): Promise<number> {
    const { hosted, known } = this.#given;
    for (const name of new Set(names)) {
      const one = hosted.get(name);
      if (one === undefined || this.#begun.has(name)) continue;
      const runtime = this.#runtime(one);
      this.#begun.set(name, runtime);
      this.#beginning.set(name, runtime.begin(known, isBoot));
    }
    const found = await Promise.all([...new Set(names)].map((name) => this.#beginning.get(name) ?? 0));
    return found.reduce((sum, running) => sum + running, 0);
  }

  #runtime(hosted: HostedRuntime): Runtime {
    const { crew, timings, onChange } = this.#given;
    const { clock, stuck, inPlugin } = crew.services;
    const { ping, facts } = timings();
    const engine = watchEngine({
      ...{ runtime: hosted.name, driver: hosted.driver, plugin: hosted.pluginId, clock, stuck, inPlugin },
      ...(ping === undefined ? {} : { pingEveryMs: ping }),
      ...(facts === undefined ? {} : { factsEveryMs: facts }),
      onChange: (state) => {
        onChange(hosted.name, state);
        void runtime.changed();
      },
    });
    const runtime = new Runtime(hosted, crew, engine);
    return runtime;
  }

  async #ask({ name, pluginId, driver }: HostedRuntime, signal: AbortSignal): Promise<EngineState> {
    const { clock, stuck, inPlugin } = this.#given.crew.services;
    const since = clock.isoNow();
    try {
      const limits = { name: `facts of ${name}`, plugin: pluginId, ms: factsMs, clock, stuck, isMutating: false, signal };
      const facts = await callWithDeadline(limits, (call) => inPlugin(pluginId, () => driver.facts(call)));
      return { state: 'up', since, reason: null, facts, isMissing: false };
    } catch (error) {
      return { state: 'down', since, reason: error instanceof Error ? error.message : String(error), facts: null, isMissing: false };
    }
  }
}
