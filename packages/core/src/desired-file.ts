import type { CoreClock } from './base/clock.ts';
import type { AgentLogger } from './base/logger.ts';
import type { Problem } from './base/problem.ts';
import type { HostConfig } from './config/index.ts';
import { asProblem } from './control/index.ts';
import type { HostFile } from './host-file.ts';
import type { Plan, Reconciler } from './reconcile/index.ts';

/** Nobody waits for a file that applies itself. */
const autoPrepareMs = 60 * 60_000;
/** A secret, an engine, a port: what a first apply was refused for comes back without a word. */
const tryAgainMs = 10_000;

export interface DesiredFileGiven {
  readonly hostFile: Pick<HostFile, 'read' | 'problem'>;
  readonly path: string;
  /** As it was read at the start. */
  readonly config: HostConfig | null;
  /** The store knows what was applied before. */
  readonly isApplied: boolean;
  readonly reconciler: Pick<Reconciler, 'plan' | 'apply'>;
  readonly clock: CoreClock;
  readonly log: AgentLogger;
  readonly ended: AbortSignal;
  isServing(): boolean;
  beginFor(config: HostConfig): Promise<void>;
  /** The agent's own file was read: its policy counts from now on. */
  onRead(): void;
}

/** What becomes of the agent's host file: read, applied where that is due, and shown as pending or as trouble where it is not. */
export class DesiredFile {
  readonly #given: DesiredFileGiven;
  readonly #isFirstOver = new AbortController();
  #config: HostConfig | null;
  #unreadable: Problem | null;
  #refused: Problem | null = null;
  #isApplied: boolean;
  #pending: ReadonlySet<string> = new Set();
  /** Grows with all that makes something else pending: what was begun to be worked out before is not what is so now. */
  #version = 0;
  #looking: Promise<void> | null = null;
  #reads = 0;
  /** Of the readings, the youngest that has come to its end. */
  #lastRead = 0;
  #cancelTry = (): void => {};

  constructor(given: DesiredFileGiven) {
    this.#given = given;
    this.#config = given.config;
    this.#unreadable = given.hostFile.problem;
    this.#isApplied = given.isApplied;
  }

  /** The agent's own, as it was read last. */
  get config(): HostConfig | null {
    return this.#config;
  }

  /** Why the saved file cannot be read, or was not applied. */
  get trouble(): Problem | null {
    return this.#unreadable ?? this.#refused;
  }

  /** Workers of which the saved file says something else. */
  get pending(): ReadonlySet<string> {
    return this.#pending;
  }

  /** The agent's own host file, or another. */
  async read(path: string = this.#given.path): Promise<HostConfig> {
    const { hostFile, beginFor, onRead } = this.#given;
    this.#reads += 1;
    const turn = this.#reads;
    const read = await hostFile.read(path);
    const isOwn = path === this.#given.path && turn > this.#lastRead;
    if (isOwn) {
      this.#lastRead = turn;
      if (read !== this.#config) this.#version += 1;
      this.#config = read;
      this.#unreadable = null;
    }
    await beginFor(read);
    if (isOwn) onRead();
    return read;
  }

  plan(...given: Parameters<Reconciler['plan']>): Promise<Plan> {
    return this.#given.reconciler.plan(...given);
  }

  async apply(...given: Parameters<Reconciler['apply']>): Promise<Plan> {
    const [config, options, signal] = given;
    const plan = await this.#given.reconciler.apply(...given);
    this.#version += 1;
    if (config !== this.#config || signal.aborted) void this.#look();
    else this.#pending = new Set(options.workers === undefined ? [] : [...this.#pending].filter((name) => !options.workers?.includes(name)));
    if (options.workers !== undefined || signal.aborted) return plan;
    this.#isApplied = true;
    this.#refused = null;
    this.#isFirstOver.abort();
    this.#cancelTry();
    return plan;
  }

  /** Reads the file again; applies it where the host says so or nothing was applied yet, else shows what it would change. */
  async reload(): Promise<void> {
    try {
      const { agent } = await this.read();
      this.#refused = null;
      if (agent.apply === 'auto' || !this.#isApplied) await this.#tryToApply();
      await this.#look();
    } catch (error) {
      // Given up for the end of the agent: that says nothing about the file.
      if (!this.#given.ended.aborted) this.#unreadable = this.#told(error);
    }
  }

  /** A first apply that is refused is tried again: what it was refused for may be over without anybody saying so. */
  async #tryToApply(): Promise<void> {
    const { ended, isServing } = this.#given;
    if (this.#config === null) return;
    const signal = this.#isApplied ? ended : AbortSignal.any([ended, this.#isFirstOver.signal]);
    try {
      await this.apply(this.#config, { by: 'the saved host file', allowRemove: false, ...(isServing() ? { prepareWithinMs: autoPrepareMs } : {}) }, signal);
    } catch (error) {
      if (signal.aborted) return;
      this.#refused = this.#told(error);
      if (!this.#isApplied) this.#tryLater();
    }
  }

  close(): void {
    this.#cancelTry();
  }

  #tryLater(): void {
    this.#cancelTry();
    this.#cancelTry = this.#given.clock.after(tryAgainMs, () => void this.#tryToApply());
  }

  /** Works out what is pending, once for all who ask meanwhile; resolves when that is so of what was read and applied last. */
  #look(): Promise<void> {
    this.#version += 1;
    if (this.#config === null) return Promise.resolve();
    this.#looking ??= this.#lookUntilCurrent();
    return this.#looking;
  }

  async #lookUntilCurrent(): Promise<void> {
    const { ended } = this.#given;
    let seen: number;
    do {
      seen = this.#version;
      try {
        const { steps } = await this.plan(this.#config!, undefined, ended);
        if (seen === this.#version) this.#pending = new Set(steps.filter(({ kind }) => kind !== 'keep').map(({ worker }) => worker));
      } catch (error) {
        if (seen === this.#version && !ended.aborted) this.#unreadable = this.#told(error);
      }
    } while (seen !== this.#version);
    this.#looking = null;
  }

  /** Said once for as long as it is the same. */
  #told(error: unknown): Problem {
    const { code, message } = asProblem(error);
    if (this.trouble?.message !== message)
      this.#given.log.error({ code }, `the host file cannot be used, the agent goes on with what was applied last: ${message}`);
    return asProblem(error);
  }
}
