import { type Hint, isRuntimeFailure, type RuntimeDriver } from '@ostler/sdk';
import { adopt, type Known, listAll, resume, written } from './boot.ts';
import type { EngineWatch } from './engine/index.ts';
import type { Crew, RuntimeAccess } from './supervise/index.ts';

const listEveryMs = 30_000;
const watchAgainMs = 1000;

export interface HostedRuntime {
  readonly name: string;
  readonly class: 'container' | 'process' | 'cluster';
  readonly pluginId: string;
  readonly driver: RuntimeDriver;
}

/** One runtime of this host while the agent lives: its engine's state, its instances as they are found, its hints. */
export class Runtime {
  readonly hosted: HostedRuntime;
  readonly access: RuntimeAccess;
  readonly #crew: Crew;
  readonly #engine: EngineWatch;
  readonly #ended = new AbortController();
  #known: Known | null = null;
  #isAdopted = false;
  #hasBegun = false;
  #adopting: Promise<number> | null = null;

  constructor(hosted: HostedRuntime, crew: Crew, engine: EngineWatch) {
    this.hosted = hosted;
    this.#crew = crew;
    this.#engine = engine;
    this.access = {
      name: hosted.name,
      plugin: hosted.pluginId,
      class: hosted.class,
      driver: hosted.driver,
      // What cannot be listed is not started: it may be running.
      isUp: () => this.#isAdopted && engine.state().state === 'up',
      reason: () => engine.state().reason,
      facts: () => engine.state().facts,
      isMissing: () => engine.state().isMissing,
      suspect: () => engine.suspect(),
    };
  }

  state(): ReturnType<EngineWatch['state']> {
    return this.#engine.state();
  }

  /** First verdict on the engine, then adoption if it answers. Resolves with the workers found running. `isBoot`: who calls resumes them together. */
  async begin(known: Known, isBoot: boolean): Promise<number> {
    this.#known = known;
    this.#hasBegun = !isBoot;
    await this.#engine.ready();
    const found = await this.#adopt();
    this.#hasBegun = true;
    void this.#followHints();
    void this.#listNowAndThen();
    return found;
  }

  /** The engine's state changed. */
  async changed(): Promise<void> {
    const { state, reason } = this.#engine.state();
    if (state === 'up' && this.#known !== null) {
      if (!this.#isAdopted) await this.#adopt();
      // One that hangs when it is looked at keeps nobody else waiting.
      this.#crew.update();
      // Also after an adoption: it may have begun before the loss that blinded them.
      if (this.#isAdopted) await Promise.all(this.#own().map((one) => (one.life.blind === null ? undefined : one.look())));
    }
    if (state === 'down') await this.#blind(reason ?? 'it does not answer');
    this.#crew.update();
  }

  close(): void {
    this.#ended.abort();
    this.#engine.close();
  }

  #adopt(): Promise<number> {
    this.#adopting ??= this.#adoptOnce().finally(() => {
      this.#adopting = null;
    });
    return this.#adopting;
  }

  async #adoptOnce(): Promise<number> {
    try {
      const { running, entered } = await adopt(this.#crew, this.access, await listAll(this.#crew, this.access), this.#known!);
      this.#isAdopted = true;
      // At boot all are resumed together. One whose definition is not known waits for the host file.
      if (this.#hasBegun) await Promise.all(entered.map((one) => (one.generation() === null ? undefined : resume(this.#crew, one))));
      this.#crew.update();
      return running;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#crew.services.log.warn(
        { runtime: this.hosted.name, error: message },
        'what this runtime runs cannot be listed: nothing of it is started or stopped',
      );
      await this.#blind(message);
      // An engine that says that it is down is asked again when it is up; anything else now and then.
      if (!this.#ended.signal.aborted) this.#crew.services.clock.after(isRuntimeFailure(error) ? 2000 : 5000, () => void (this.#isAdopted || this.#adopt()));
      return 0;
    }
  }

  #own() {
    return this.#crew.all().filter((one) => one.runtimeName() === this.hosted.name);
  }

  async #blind(reason: string): Promise<void> {
    await written(
      this.#crew,
      this.#own().map((one) => one.send({ type: 'blind', runtime: this.hosted.name, reason })),
    );
  }

  async #followHints(): Promise<void> {
    const { signal } = this.#ended;
    const { agentId, clock, log, inPlugin } = this.#crew.services;
    while (!signal.aborted) {
      try {
        const hints = inPlugin(this.hosted.pluginId, () => this.hosted.driver.watch(agentId, signal));
        for await (const hint of hints) this.#take(hint);
      } catch (error) {
        if (!signal.aborted) log.debug({ runtime: this.hosted.name, error: String(error) }, 'the stream of hints ended');
      }
      await clock.sleep(watchAgainMs, signal).catch(() => {});
    }
  }

  #take(hint: Hint): void {
    if (hint.kind === 'gap') {
      void this.#compare();
      return;
    }
    const one = this.#crew.get(hint.ref.worker);
    if (one !== undefined && one.life.instance === hint.ref.instance) void one.look();
  }

  async #listNowAndThen(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await this.#crew.services.clock.sleep(listEveryMs, signal).catch(() => {});
      if (!signal.aborted) await this.#compare();
    }
  }

  /** Looks at every worker that the list does not show as it is believed to be, or as healthy. */
  async #compare(): Promise<void> {
    if (!this.#isAdopted) return;
    try {
      const { instances } = await listAll(this.#crew, this.access);
      const listed = new Map(instances.map((one) => [`${one.ref.worker}/${one.ref.instance}`, one]));
      for (const one of this.#own()) {
        const { is: seen, health } = listed.get(`${one.worker}/${one.life.instance}`) ?? {};
        const isTurned = health !== undefined && health !== one.live?.health;
        // Blind on an engine that answers: it had another store, which may be back.
        if (one.life.blind !== null || (one.life.phase === 'running' && (seen !== 'running' || isTurned))) void one.look();
        else if (['idle', 'done', 'failed', 'backoff', 'waiting'].includes(one.life.phase) && seen === 'running') void one.look();
      }
    } catch {
      this.#engine.suspect();
    }
  }
}
