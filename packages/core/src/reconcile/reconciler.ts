import type { Artifact } from '@ostler/sdk';
import { Mailbox } from '../base/mailbox.ts';
import { problem } from '../base/problem.ts';
import type { HostConfig } from '../config/index.ts';
import { entries } from '../journal/index.ts';
import { type Desired, makePlan, type Present, removesMuch, type Step } from '../plan/index.ts';
import { normalise } from '../spec/index.ts';
import { type Batch, type GenerationRecord, isStoreFailure, keyedDigest } from '../store/index.ts';
import { type Applied, type Crew, newLife, type Supervisor } from '../supervise/index.ts';
import { type Desiring, desire } from './desired.ts';
import { unlessGivenUp } from './given-up.ts';
import { planDigest } from './plan-digest.ts';
import { portTroubles } from './ports.ts';
import { prepareAhead } from './prepare-ahead.ts';

/** The longest removal of one instance, and some. */
const forgottenMs = 90_000;
/** How long until what a full disk refused is tried again. */
const storeRetryMs = 1000;

export interface Plan {
  readonly hostFile: string;
  readonly digest: string;
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
  readonly needsAllowRemove: boolean;
}

export interface ApplyOptions {
  /** Only these. */
  readonly workers?: readonly string[] | undefined;
  /** Of a plan that was looked at: another one is refused. */
  readonly digest?: string | undefined;
  readonly allowRemove: boolean;
  /** What running workers are changed to is prepared before they are stopped, for so long at most; absent: each prepares it after its stop. */
  readonly prepareWithinMs?: number | undefined;
  readonly by: string;
}

export interface ReconcilerGiven {
  readonly crew: Crew;
  readonly desiring: Desiring;
  /** Of the data directory: digests of generations and of plans are keyed. */
  readonly key: Uint8Array;
}

/** Makes a host file true. One change at a time; what is asked for meanwhile waits. */
export class Reconciler {
  readonly #given: ReconcilerGiven;
  readonly #changes = new Mailbox();
  readonly #ended = new AbortController();

  constructor(given: ReconcilerGiven) {
    this.#given = given;
  }

  async plan(config: HostConfig, workers: readonly string[] | undefined, signal: AbortSignal): Promise<Plan> {
    return (await unlessGivenUp(signal, () => this.#planned(config, workers, signal))).plan;
  }

  /**
   * Resolves when every step is persisted and under way. Throws `plan-refused`, `remove-not-allowed`, `worker-unknown`, `change-failed` with nothing
   * touched; a signal that fires before the steps are begun ends it likewise, one that fires later comes too late.
   */
  apply(config: HostConfig, options: ApplyOptions, signal: AbortSignal): Promise<Plan> {
    return this.#changes.post(async () => {
      for (;;) {
        const { plan, desired } = await unlessGivenUp(signal, async () => {
          const planned = await this.#planned(config, options.workers, signal);
          this.#refuse(planned.plan, planned.desired, options);
          if (options.prepareWithinMs !== undefined) await this.#prepareAhead(planned.plan, planned.desired, options.prepareWithinMs);
          return planned;
        });
        if (plan.steps.some((step) => this.#isOutdated(step))) continue;
        if (await this.#carryOut(config, plan, desired, options)) return plan;
      }
    });
  }

  /** Made before its worker was found on an engine, or forgotten: its number may be another generation's by now. */
  #isOutdated({ worker, kind, from, to }: Step): boolean {
    const one = this.#given.crew.get(worker);
    const present = one === undefined ? null : presentOf(one);
    if (kind === 'keep' || kind === 'remove') return present?.generation?.counter !== (from ?? undefined);
    return from !== (present?.generation?.counter ?? null) || to !== (present?.lastCounter ?? 0) + 1;
  }

  /** Gives up what it prepares. */
  close(): void {
    this.#ended.abort();
  }

  #prepareAhead({ steps }: Plan, desired: readonly Desired[], withinMs: number): Promise<void> {
    const { crew, desiring } = this.#given;
    const by = { services: crew.services, registry: desiring.registry, ended: this.#ended.signal };
    return prepareAhead(steps, desired, crew.all().map(presentOf), withinMs, by);
  }

  async #planned(
    config: HostConfig,
    workers: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly plan: Plan; readonly desired: readonly Desired[] }> {
    const { crew, desiring, key } = this.#given;
    const present = crew.all().map(presentOf);
    const unknown = (workers ?? []).filter((name) => config.workers[name] === undefined && !present.some((one) => one.worker === name));
    if (unknown.length > 0)
      throw problem({
        code: 'worker-unknown',
        message: `there is no worker ${unknown.join(', ')}, neither in the host file nor on this host`,
        hint: '`ostler ps` lists them',
      });
    const desired = await desire(config, present, desiring, signal);
    const planned = makePlan(desired, present, desiring.registry).filter(({ worker }) => workers === undefined || workers.includes(worker));
    const steps = await this.#withPorts(planned, desired);
    return {
      desired,
      plan: { hostFile: config.path, digest: planDigest(key, steps, desired), steps, warnings: config.warnings, needsAllowRemove: removesMuch(steps, present) },
    };
  }

  /** What is new or changes needs ports that nobody else has: otherwise it would stop what runs for a start that must fail. */
  #withPorts(steps: readonly Step[], desired: readonly Desired[]): Promise<readonly Step[]> {
    const { crew, desiring } = this.#given;
    const running = crew.all().filter((one) => presentOf(one).isRunning);
    const ports = running.flatMap((one) => one.normal(one.generation(one.life.instanceGeneration))?.spec.ports ?? []);
    const held = new Set(ports.flatMap(({ publish }) => publish?.port ?? []));
    const byName = new Map(desired.map((one) => [one.worker, one]));
    return Promise.all(
      steps.map(async (step) => {
        const wanted = byName.get(step.worker);
        if (wanted === undefined || wanted.runtime === null || (step.kind !== 'add' && step.kind !== 'change')) return step;
        const { spec } = normalise(wanted.written, { name: step.worker, runtime: wanted.runtime, baseDir: wanted.baseDir, registry: desiring.registry });
        return { ...step, refused: [...step.refused, ...(await portTroubles(spec.ports, held))] };
      }),
    );
  }

  #refuse(plan: Plan, desired: readonly Desired[], { digest, allowRemove }: ApplyOptions): void {
    if (digest !== undefined && digest !== plan.digest)
      throw problem({
        code: 'plan-refused',
        message: 'the plan no longer fits: the host file, what it refers to, or the workers have changed since it was made',
        hint: 'make a new one with `ostler plan`. Nothing was touched.',
      });
    const refused = plan.steps.filter((step) => step.refused.length > 0);
    const forbidden = new Set(desired.flatMap((one) => ((one.forbidden ?? []).length > 0 ? one.worker : [])));
    if (refused.length > 0)
      throw problem({
        code: refused.every(({ worker }) => forbidden.has(worker)) ? 'policy-refused' : 'plan-refused',
        message: refused.map((step) => `${step.worker}: ${step.refused.join('; ')}`).join('\n'),
        hint: 'Nothing was touched.',
      });
    if (plan.needsAllowRemove && !allowRemove) {
      const names = plan.steps.filter((step) => step.kind === 'remove').map((step) => step.worker);
      throw problem({
        code: 'remove-not-allowed',
        message: `this would remove more than half of the workers: ${names.join(', ')}`,
        hint: 'add --allow-remove if that is what you want. Nothing was touched.',
      });
    }
  }

  /** `false`: some of it was outdated by the time that the rest was begun. */
  async #carryOut(config: HostConfig, plan: Plan, desired: readonly Desired[], { by, workers }: ApplyOptions): Promise<boolean> {
    const { crew } = this.#given;
    const { clock, journal } = crew.services;
    const at = clock.isoNow();
    const touched = plan.steps.filter((step) => step.kind !== 'keep');
    const applied = workers === undefined ? { applied: appliedOf(config, at) as never } : {};
    if (touched.length === 0) {
      await journal.record({ values: applied });
      return true;
    }
    // Where the disk has no room this fails, and nothing was touched.
    await journal.record({ values: { applying: { at, by, changed: touched.map(({ worker }) => worker) } } });
    const changing = touched.filter((step) => step.kind !== 'remove');
    const byName = new Map(desired.map((one) => [one.worker, one]));
    // At once: their commits share transactions.
    const declared = await Promise.allSettled(changing.map((step) => this.#declare(step, this.#mint(step, byName.get(step.worker)!, at))));
    const failed = declared.find((one) => one.status === 'rejected');
    const done = new Set(changing.filter((_, index) => isTrue(declared[index])));
    for (const step of touched) if (failed === undefined && step.kind === 'remove' && (await this.#remove(step, by))) done.add(step);
    const changed = touched.filter((step) => done.has(step)).map(({ worker }) => worker);
    // Not before all that it says is persisted: what is cut short by the end of the agent was not applied.
    await this.#remember({
      values: { applying: null, ...(done.size === touched.length ? applied : {}) },
      journal: changed.length > 0 ? [entries['plan.applied'](clock.isoNow(), { steps: changed.length, by, changed })] : [],
    });
    if (failed !== undefined) throw failed.reason;
    return done.size === touched.length;
  }

  /** It is true by now: where the disk has filled since, that is tried until there is room. */
  async #remember(batch: Batch): Promise<void> {
    const { clock, journal } = this.#given.crew.services;
    for (;;) {
      try {
        await journal.record(batch);
        return;
      } catch (error) {
        if (!isStoreFailure(error) || error.code !== 'full') throw error;
        await clock.sleep(storeRetryMs, this.#ended.signal);
      }
    }
  }

  /** In one commit with its new definition. `false`: what is there is not what the step was made for, or the agent ends. */
  async #declare(step: Step, generation: GenerationRecord): Promise<boolean> {
    const { crew } = this.#given;
    const { worker } = step;
    if (crew.get(worker)?.isClosed) await this.#forgotten(worker);
    else if (this.#isOutdated(step)) return false;
    const supervisor = crew.get(worker) ?? crew.add(worker, newLife(generation.createdAt), [], []);
    const fields = step.changes.map(({ field }) => field);
    supervisor.pin(generation);
    await supervisor.send({ type: 'declare', generation: generation.counter, fields, isNew: step.kind === 'add', runtime: generation.runtime });
    return isKept(supervisor);
  }

  async #remove({ worker }: Step, by: string): Promise<boolean> {
    const one = this.#given.crew.get(worker);
    await one?.send({ type: 'remove', by });
    return one === undefined || one.isForgotten || isKept(one);
  }

  /** Being forgotten at this moment, with all its rows: it comes back as a new one after that. */
  async #forgotten(worker: string): Promise<void> {
    const { crew } = this.#given;
    const late = new AbortController();
    const cancel = crew.services.clock.after(forgottenMs, () => late.abort());
    const isForgotten = await crew.until(() => !crew.get(worker)?.isClosed, late.signal);
    cancel();
    if (!isForgotten)
      throw problem({
        code: 'not-finished-in-time',
        message: `${worker} is still being removed, so it was not declared again`,
        hint: 'its runtime does not answer. Apply again when it does; `ostler why` says more.',
      });
  }

  #mint(step: Step, desired: Desired, createdAt: string): GenerationRecord {
    const { worker, written, baseDir, secrets } = desired;
    const runtime = desired.runtime!;
    return {
      ...{ worker, counter: step.to!, digest: generationDigest(this.#given.key, written, runtime), runtime, written, baseDir },
      ...{ artifact: desired.artifact as Artifact, secrets: secrets ?? {}, createdAt },
    };
  }
}

/** What it was sent last is persisted: once the agent ends, that may be lost. */
const isKept = ({ isClosed }: Supervisor): boolean => !isClosed;
const isTrue = (outcome: PromiseSettledResult<boolean> | undefined): boolean => outcome?.status === 'fulfilled' && outcome.value;

const appliedOf = ({ path, baseDir, host, plugins, agent, policy }: HostConfig, at: string): Applied => ({
  ...{ hostFile: path, baseDir, host, at, policy },
  plugins: plugins.map(({ use, config, baseDir: from }) => ({ use, config, baseDir: from })),
  ...{ startConcurrency: agent.startConcurrency ?? null, apply: agent.apply },
});

/** What an instance carries, so that it is known again after the store was lost. */
export const generationDigest = (key: Uint8Array, written: Desired['written'], runtime: string): string => keyedDigest(key, { runtime, written });

export function presentOf(of: Supervisor): Present {
  const { life } = of;
  return {
    worker: of.worker,
    generation: of.generation(),
    lastCounter: Math.max(0, life.instanceGeneration ?? 0, ...of.generations.map(({ counter }) => counter)),
    isRunning: ['starting', 'running', 'stopping', 'unresolved'].includes(life.phase),
    isBeingRemoved: life.want === 'removed',
  };
}
