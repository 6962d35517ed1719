import { type Exit, isRuntimeFailure, type Observed, type Secrets } from '@ostler/sdk';
import { isOpen, type Normal, ownerOf } from '../spec/index.ts';
import type { GenerationRecord } from '../store/index.ts';
import { calledOff } from './called-off.ts';
import { asFailure, inspect, lastLines, prepare, resolve, start, stop } from './calls.ts';
import type { Effect, Life } from './life.ts';
import { secretMask } from './mask.ts';
import { preparationFailure } from './preparation-failure.ts';
import { Removals } from './removals.ts';
import type { RuntimeAccess } from './services.ts';
import { sendSignal } from './signals.ts';
import { StopPace } from './stop-pace.ts';
import { stopRule } from './stop-rule.ts';
import type { Subject } from './subject.ts';

/** How often a runtime that could not be asked is asked again. */
const lookAgainMs = 2000;

/** Carries out what the table decided. Mutating calls of one worker to one runtime never overlap. */
export class Effects {
  readonly #of: Subject;
  readonly #removals: Removals;
  #preparing: AbortController | null = null;
  #secrets: { readonly epochOf: number; readonly value: Secrets } | null = null;
  #mask: ((text: string) => string) | null = null;
  #cancelLook: (() => void) | null = null;
  #looking: Promise<void> | null = null;
  /** A hint came whose look had to wait, or may have asked too early. */
  #isLookOwed = false;
  #ownEpoch: number | null = null;
  /** The instance that this agent has started, or seen to run: it is taken over no more. */
  #ours: string | null = null;
  readonly #stopPace = new StopPace();
  #isClosed = false;

  constructor(of: Subject) {
    this.#of = of;
    this.#removals = new Removals(of);
  }

  /** After each move: what is prepared for nothing is given up. */
  align({ phase, epoch }: Life, effects: readonly Effect[]): void {
    if (phase !== 'preparing') this.#preparing?.abort();
    if (effects.some((effect) => effect.do === 'start' || effect.do === 'stop')) this.#ownEpoch = epoch;
  }

  /** A start or stop that this agent has decided on, and whose outcome it will hear; not one that a dead agent left. */
  #isUnderWay(): boolean {
    const { phase, epoch } = this.#of.life;
    return (phase === 'starting' || phase === 'stopping') && epoch === this.#ownEpoch;
  }

  /** A call is under way whose answer says the same as a look; what is not there yet must not be taken for gone. In the dark there may be no call. */
  #willHear(): boolean {
    return this.#isUnderWay() && this.#of.life.blind === null;
  }

  run(effect: Exclude<Effect, { do: 'forget' }>, life: Life): void {
    switch (effect.do) {
      case 'prepare':
        this.#quietly(this.#prepare(life));
        break;
      case 'start':
        this.#quietly(this.#calls().post(() => this.#start(life)));
        break;
      case 'stop':
        this.#quietly(this.#calls().post(() => this.#stop()));
        break;
      case 'inspect':
        // What cannot be seen is looked at as it would be otherwise.
        this.#lookIn(life.unresolved === 'stop' ? Math.min(this.#stopPace.pauseMs, life.blind === null ? Number.POSITIVE_INFINITY : lookAgainMs) : 0);
        break;
      case 'signal':
        this.#quietly(this.#signalUnwell(effect.signal));
        break;
    }
  }

  look(): Promise<void> {
    if (this.#looking !== null) this.#isLookOwed = true;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
      this.#lookIfOwed();
    });
    return this.#looking;
  }

  /** A worker may end before the answer of its start has been written down: the hint of it came while nothing could be made of it. */
  #lookIfOwed(): void {
    if (!this.#isLookOwed || this.#isClosed || this.#looking !== null || this.#willHear()) return;
    this.#isLookOwed = false;
    this.#quietly(this.look());
  }

  async signal(name: string, by: string): Promise<void> {
    const [runtime, target] = [this.#runtime(), this.#of.target()];
    if (runtime !== null && target !== null) await sendSignal(this.#of.services, runtime, target, name, by);
  }

  /** It may have ended meanwhile, and its engine too. */
  async #signalUnwell(name: string): Promise<void> {
    const { worker, services } = this.#of;
    const lost = (error: unknown): void => {
      if (!isRuntimeFailure(error)) throw error;
      services.log.warn({ worker, error: error.message }, `${name} was not sent, although it is not well`);
    };
    await this.signal(name, 'health').catch(lost);
  }

  async lastLines(found: Observed & { readonly is: 'exited'; readonly exit: Exit }): Promise<readonly string[]> {
    const runtime = this.#runtime();
    const mask = this.#maskOfInstance();
    if (runtime === null || mask === null) return [];
    return lastLines(this.#of.services, runtime, { ref: found.ref, handle: found.handle }, mask);
  }

  /** A text that its instance gave, without the values of its secrets; `null` where they are not known here. */
  masked(text: string): string | null {
    return this.#maskOfInstance()?.(text) ?? null;
  }

  /** All instances of a worker that is no more. */
  removeAll(): Promise<void> {
    return this.#removals.removeAll();
  }

  close(): void {
    this.#isClosed = true;
    this.#preparing?.abort();
    this.#cancelLook?.();
  }

  async #prepare(life: Life): Promise<void> {
    const { epoch } = life;
    const controller = new AbortController();
    this.#preparing?.abort();
    this.#preparing = controller;
    try {
      const generation = this.#of.generation();
      const runtime = this.#runtimeOf(generation?.runtime);
      if (generation === null) throw new Error('its definition is not known: apply the host file');
      const normal = this.#of.services.normal(generation);
      const secrets = await this.#of.services.reveal(generation, normal, controller.signal);
      this.#secrets = { epochOf: generation.counter, value: secrets };
      await prepare(this.#of.services, runtime, await this.#pinned(generation, runtime, normal, controller.signal), normal, controller.signal);
      await this.#of.send({ type: 'prepared', epoch });
    } catch (error) {
      // Begun anew: what becomes of the worker is for that one to tell.
      if (this.#preparing !== controller) return;
      if (isRuntimeFailure(error)) this.#of.services.runtime(this.#of.generation()?.runtime ?? '')?.suspect();
      await this.#of.send({ type: 'prepare-failed', epoch, ...preparationFailure(error) });
    }
  }

  /** What could not be resolved when it was applied, or was taken over after the store was lost, is now, once and for all. */
  async #pinned(generation: GenerationRecord, runtime: RuntimeAccess, normal: Normal, signal: AbortSignal): Promise<GenerationRecord> {
    if (!isOpen(generation.artifact)) return generation;
    const pinned = { ...generation, artifact: await resolve(this.#of.services, runtime, normal, signal) };
    // Given up meanwhile, and perhaps forgotten: its name may be another one's.
    if (!signal.aborted && !this.#isClosed) this.#of.pin(pinned);
    return pinned;
  }

  async #start(life: Life): Promise<void> {
    const { epoch } = life;
    const { services } = this.#of;
    const sinceMs = services.clock.monotonicMs();
    let isAsked = false;
    try {
      const target = this.#of.target();
      const known = this.#of.generation(life.instanceGeneration);
      if (target === null || known === null) throw new Error('its definition is not known: apply the host file');
      const runtime = this.#runtimeOf(known.runtime);
      const normal = services.normal(known);
      // A start that another agent left is begun again without a preparation.
      const generation = await this.#pinned(known, runtime, normal, new AbortController().signal);
      const prepared = this.#secrets?.epochOf === generation.counter ? this.#secrets.value : null;
      const secrets = prepared ?? (await services.reveal(generation, normal, new AbortController().signal));
      this.#secrets = null;
      // Decided on since: by now something else is wanted; or it is the next agent's.
      if (this.#of.life.epoch !== epoch || this.#isClosed) return;
      this.#mask = secretMask(secrets);
      const owner = ownerOf(normal.spec);
      const shares = owner === null ? null : services.running(owner);
      const why = calledOff(this.#of.life, owner !== null && shares === null ? owner : null);
      if (why !== null) {
        const failure = { code: why.code, outcome: 'no', retryable: true, message: `it was called off before anything was done: ${why.text}` } as const;
        await this.#of.send({ type: 'start-failed', epoch, failure, isAsked });
        this.#removals.retire();
        return;
      }
      isAsked = true;
      this.#stopPace.begin();
      this.#ours = life.instance;
      const found = await start(services, runtime, target.ref, generation, normal, { secrets, shares });
      // In the dark it was looked at meanwhile, and what that found is newer.
      if (this.#of.life.epoch !== epoch) this.#isLookOwed = true;
      else await this.#of.observe(found, 'started', services.clock.monotonicMs() - sinceMs);
    } catch (error) {
      const failure = asFailure(error, isAsked);
      // The worker may be on another runtime by now.
      services.runtime(this.#of.generation(life.instanceGeneration)?.runtime ?? '')?.suspect();
      await this.#of.send({ type: 'start-failed', epoch, failure, isAsked });
      if (failure.outcome === 'no' && life.instance !== null) await this.#removals.remove(life.instance).catch(() => {});
    }
    this.#lookIfOwed();
    this.#removals.retire();
  }

  async #stop(): Promise<void> {
    const target = this.#of.target();
    // Blind: it is asked for again when it can be seen.
    if (target === null || this.#of.life.phase !== 'stopping' || this.#of.life.blind !== null) return;
    const { epoch } = this.#of.life;
    this.#stopPace.asked();
    try {
      const runtime = this.#runtimeOf(this.#of.runtimeName());
      const found = await stop(this.#of.services, runtime, target, stopRule(this.#of, runtime));
      this.#stopPace.begin();
      await this.#of.observe(found, 'looked', 0);
    } catch (error) {
      const failure = asFailure(error, true);
      this.#runtime()?.suspect();
      await this.#of.send({ type: 'stop-failed', epoch, failure });
    }
  }

  async #look(): Promise<void> {
    const { services, life } = this.#of;
    if (this.#willHear()) {
      this.#isLookOwed = true;
      return;
    }
    // A call that a dead agent left is nobody's: what came of it is found, not answered.
    const isLeft = (life.phase === 'starting' || life.phase === 'stopping') && !this.#isUnderWay();
    const how = isLeft || this.#ours !== life.instance ? 'adopted' : 'looked';
    const target = this.#of.target();
    const name = this.#of.runtimeName() ?? '';
    const runtime = services.runtime(name);
    if (target === null) {
      if (life.blind !== null) await this.#of.send({ type: 'sighted' });
      return;
    }
    try {
      if (runtime === null) throw new Error(`no loaded plugin brings the runtime ${name}`);
      // After an unknown outcome the handle may be another one's: by its name alone.
      const found = await inspect(services, runtime, life.phase === 'unresolved' ? { ref: target.ref, handle: null } : target);
      // Something was begun since: the answer is of a time before it.
      if (this.#of.life.epoch !== life.epoch) {
        this.#isLookOwed = true;
        return;
      }
      // That nothing is there yet says nothing while the start is still under way.
      if (life.phase === 'starting' && this.#isUnderWay() && (found.is === 'gone' || found.is === 'created')) await this.#of.send({ type: 'sighted' });
      else {
        if (found.is === 'running') this.#ours = life.instance;
        await this.#of.observe(found, how, 0);
      }
    } catch (error) {
      const { message } = asFailure(error, false);
      runtime?.suspect();
      await this.#of.send({ type: 'blind', runtime: name, reason: message });
      this.#lookIn(lookAgainMs);
    }
  }

  #lookIn(ms: number): void {
    this.#cancelLook?.();
    if (this.#isClosed) return;
    if (ms <= 0) this.#quietly(this.look());
    else this.#cancelLook = this.#of.services.clock.after(ms, () => this.#quietly(this.look()));
  }

  /** `null`: whose secrets are not known here (the agent is new) may have told them. */
  #maskOfInstance(): ((text: string) => string) | null {
    const generation = this.#of.generation(this.#of.life.instanceGeneration);
    const rule = this.#of.normal(generation)?.rules.secrets;
    const hasNone = rule?.files.length === 0 && [rule.env, generation?.secrets ?? {}].every((some) => Object.keys(some).length === 0);
    return this.#mask ?? (hasNone ? (text) => text : null);
  }

  #calls() {
    return this.#removals.callsTo(this.#of.runtimeName() ?? '');
  }
  #runtime(): RuntimeAccess | null {
    return this.#of.services.runtime(this.#of.runtimeName() ?? '');
  }
  #runtimeOf(name: string | null | undefined): RuntimeAccess {
    const runtime = this.#of.services.runtime(name ?? '');
    if (runtime === null) throw new Error(`no loaded plugin brings the runtime ${name ?? ''}`);
    return runtime;
  }

  #quietly(work: Promise<void>): void {
    work.catch((error) => this.#of.services.log.error({ worker: this.#of.worker, error: String(error) }, 'a step of supervision failed'));
  }
}
