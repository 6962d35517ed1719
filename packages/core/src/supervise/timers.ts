import type { Target } from '@ostler/sdk';
import type { Cancel } from '../base/clock.ts';
import { type LastCheck, Opinion } from '../probe/index.ts';
import { Calendar, overdue } from './calendar.ts';
import type { Life, LifeEvent } from './life.ts';
import { Renewal } from './renewal.ts';
import type { ProbeWatch, RuntimeAccess } from './services.ts';
import type { Subject } from './subject.ts';

/**
 * What follows from a life as long as it stands: the end of a backoff, the next run that is due, the longest that a run may take, the time after which
 * its failures are forgotten, what ends an instance that runs well, the probes.
 */
export class Timers {
  readonly #of: Subject;
  readonly #masked: (text: string) => string | null;
  #alarm: { readonly epoch: number; readonly cancel: Cancel } | null = null;
  readonly #runs: Calendar;
  /** What came while no agent ran is told before the times of its schedule are waited for: see {@link begin}. */
  #mayRun: boolean;
  readonly #renewal: Renewal;
  #timeout: Cancel | null = null;
  #steady: Cancel | null = null;
  #probing: { readonly instance: string; readonly opinion: Opinion | null; stop(): void } | null = null;

  /** `masked`: a text of the worker without the values of its secrets, `null` where they are not known here. */
  constructor(of: Subject, masked: (text: string) => string | null) {
    this.#of = of;
    this.#masked = masked;
    // Of one that is declared now nothing was known before.
    this.#mayRun = of.life.generation === null;
    this.#renewal = new Renewal(of);
    this.#runs = new Calendar(
      of.services,
      (dueMs) => void this.#due(dueMs),
      () => this.#alignRuns(),
    );
  }

  /** Of a worker of the store, or that was found, once it was taken over: nothing has moved yet. */
  begin(): void {
    this.#mayRun = true;
    this.align(null);
  }

  /** `before`: `null` = this agent has just come; what runs was adopted. */
  align(before: Life | null): void {
    const { life, services } = this.#of;
    this.#alignAlarm(life);
    this.#alignRuns();
    this.#alignTimeout(life);
    this.#alignSteady(life);
    this.#renewal.align(life);
    const shallProbe = life.phase === 'running' && life.blind === null && life.want === 'run';
    if (this.#probing !== null && (!shallProbe || this.#probing.instance !== life.instance)) {
      this.#probing.stop();
      this.#probing = null;
    }
    const { live } = this.#of;
    const normal = this.#of.normal(this.#of.generation(life.instanceGeneration));
    const target = this.#of.target();
    if (!shallProbe || this.#probing !== null || live === null || normal === null || target === null || life.instance === null) return;
    const instance = life.instance;
    const runtime = services.runtime(this.#of.runtimeName() ?? '');
    const opinion = normal.rules.health.image && live.health !== null ? new Opinion(live.health, this.#shown(live.lastCheck)) : null;
    const stop = services.probe({
      worker: this.#of.worker,
      instance,
      rule: normal.rules.health,
      startedMs: life.startedMs ?? services.clock.nowMs(),
      isAdopted: before === null || before.phase === 'running',
      health: life.health === 'ok' || life.health === 'bad' ? life.health : null,
      endpoints: live.endpoints,
      exec: (argv, signal) => {
        const exec = runtime?.driver.exec;
        if (exec === undefined) return Promise.reject(new Error(`the runtime ${runtime?.name ?? ''} cannot run a command in a worker`));
        return exec.call(runtime!.driver, target, argv, { tty: false }, { signal, deadlineMs: services.clock.nowMs() + 60_000, progress() {}, output() {} });
      },
      notified: runtime === null ? null : this.#notified(runtime, target),
      logs: runtime === null ? null : (from, call) => services.inPlugin(runtime.plugin, () => runtime.driver.logs(target, from, false, call)),
      opinion,
      onVerdict: (verdict) => {
        const event =
          verdict.health === 'ok'
            ? ({ type: 'healthy', instance, afterMs: verdict.afterMs } as const)
            : ({ type: 'unhealthy', instance, evidence: verdict.evidence, failures: verdict.failures } as const);
        void this.#of.send(event);
      },
    });
    this.#probing = { instance, opinion, stop };
  }

  /** What was seen may be another opinion of its engine. */
  hear(): void {
    const { live } = this.#of;
    if (live === null || live.health === null || live.instance !== this.#probing?.instance) return;
    this.#probing.opinion?.tell(live.health, this.#shown(live.lastCheck));
  }

  close(): void {
    this.#alarm?.cancel();
    this.#runs.close();
    this.#timeout?.();
    this.#steady?.();
    this.#renewal.close();
    this.#probing?.stop();
    this.#probing = null;
  }

  /** What a check printed may tell secrets, as all that a worker prints. */
  #shown(last: LastCheck): LastCheck {
    return last === undefined ? last : { ...last, output: this.#masked(last.output) ?? '' };
  }

  #notified({ driver, plugin }: RuntimeAccess, target: Target): ProbeWatch['notified'] {
    if (driver.notified === undefined) return null;
    return async (call) => {
      const said = await this.#of.services.inPlugin(plugin, async () => driver.notified?.(target, call) ?? null);
      return said === null || said.status === null ? said : { ...said, status: this.#masked(said.status) };
    };
  }

  #alignAlarm(life: Life): void {
    const { epoch } = life;
    // Not anew with each event: where the clock was set back, each would wait as long again.
    if (this.#alarm?.epoch === epoch) return;
    this.#alarm?.cancel();
    this.#alarm = null;
    if (life.phase !== 'backoff' || life.nextTryAt === null) return;
    const backoff = this.#of.normal()?.rules.restart.backoff;
    const longestMs = backoff === undefined ? Number.POSITIVE_INFINITY : Math.max(backoff.firstMs, backoff.maxMs) * (1 + backoff.jitter);
    this.#alarm = { epoch, cancel: this.#after(Date.parse(life.nextTryAt), longestMs, () => void this.#of.send({ type: 'alarm', epoch })) };
  }

  #alignRuns(): void {
    const { life } = this.#of;
    const schedule = life.want === 'removed' || !this.#mayRun ? null : (this.#of.normal()?.rules.schedule ?? null);
    this.#runs.align(schedule, life.lastDueAt === null ? null : Date.parse(life.lastDueAt));
  }

  async #due(dueMs: number): Promise<void> {
    await this.#of.sendAll(() => this.#overdue(dueMs));
    if (!this.#of.isClosed) this.#alignRuns();
  }

  #overdue(dueMs: number): readonly LifeEvent[] {
    const schedule = this.#of.normal()?.rules.schedule ?? null;
    if (schedule === null) return [];
    const { lastDueAt } = this.#of.life;
    // One that was owed to the next agent while this one is being ended is told by whoever comes to tell of its times.
    const fromMs = Math.min(dueMs - 1, lastDueAt === null ? dueMs : Date.parse(lastDueAt));
    return overdue(schedule, fromMs, this.#of.services, 'the host slept, or its clock was set');
  }

  #alignTimeout(life: Life): void {
    // A run whose own definition is not known (the store was lost) may last as long as one of the present.
    const its = this.#of.normal(this.#of.generation(life.instanceGeneration)) ?? this.#of.normal();
    const timeoutMs = its?.rules.schedule?.timeoutMs ?? null;
    // What is to be stopped anyway has no timeout; if it is not after all, it has it still.
    const isToRun = life.phase === 'running' && life.want === 'run' && life.stopCause === null;
    if (!isToRun || timeoutMs === null || life.startedMs === null) {
      this.#timeout?.();
      this.#timeout = null;
      return;
    }
    if (this.#timeout !== null) return;
    const { instance } = life;
    const overdone = () => instance !== null && void this.#of.send({ type: 'overdone', instance, cause: 'timeout', evidence: null });
    this.#timeout = this.#after(life.startedMs + timeoutMs, timeoutMs, overdone);
  }

  #alignSteady({ phase, failures, instance, startedMs, blind }: Life): void {
    const resetAfterMs = this.#of.normal()?.rules.restart.resetAfterMs ?? null;
    if (phase !== 'running' || failures === 0 || instance === null || startedMs === null || blind !== null || resetAfterMs === null) {
      this.#steady?.();
      this.#steady = null;
      return;
    }
    if (this.#steady !== null) return;
    this.#steady = this.#after(startedMs + resetAfterMs, resetAfterMs, () => void this.#of.send({ type: 'steady', instance }));
  }

  /** At that moment, epoch ms, and in `longestMs` at most: the clock of the host may have been wrong when it was set down. */
  #after(atMs: number, longestMs: number, run: () => void): Cancel {
    const { clock } = this.#of.services;
    return clock.after(Math.min(longestMs, Math.max(0, atMs - clock.nowMs())), run);
  }
}
