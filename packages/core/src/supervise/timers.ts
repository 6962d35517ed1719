import type { Target } from '@ostler/sdk';
import type { Cancel } from '../base/clock.ts';
import type { Life } from './life.ts';
import type { ProbeWatch, RuntimeAccess } from './services.ts';
import type { Subject } from './subject.ts';

/** What follows from a life as long as it stands: the end of a backoff, the next run that is due, the longest that a run may take, the probes. */
export class Timers {
  readonly #of: Subject;
  readonly #masked: (text: string) => string | null;
  #alarm: Cancel | null = null;
  #due: Cancel | null = null;
  #dueAtMs: number | null = null;
  #timeout: Cancel | null = null;
  #probing: { readonly instance: string; stop(): void } | null = null;

  /** `masked`: a text of the worker without the values of its secrets, `null` where they are not known here. */
  constructor(of: Subject, masked: (text: string) => string | null) {
    this.#of = of;
    this.#masked = masked;
  }

  /** `before`: `null` = this agent has just come; what runs was adopted. */
  align(before: Life | null): void {
    const { life, services } = this.#of;
    this.#alignAlarm(life);
    this.#alignDue(life);
    this.#alignTimeout(life);
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
      onVerdict: (verdict) => {
        const event =
          verdict.health === 'ok'
            ? ({ type: 'healthy', instance, afterMs: verdict.afterMs } as const)
            : ({ type: 'unhealthy', instance, evidence: verdict.evidence, failures: verdict.failures } as const);
        void this.#of.send(event);
      },
    });
    this.#probing = { instance, stop };
  }

  close(): void {
    this.#alarm?.();
    this.#due?.();
    this.#timeout?.();
    this.#probing?.stop();
    this.#probing = null;
  }

  #notified({ driver, plugin }: RuntimeAccess, target: Target): ProbeWatch['notified'] {
    if (driver.notified === undefined) return null;
    return async (call) => {
      const said = await this.#of.services.inPlugin(plugin, async () => driver.notified?.(target, call) ?? null);
      return said === null || said.status === null ? said : { ...said, status: this.#masked(said.status) };
    };
  }

  #alignAlarm(life: Life): void {
    this.#alarm?.();
    this.#alarm = null;
    if (life.phase !== 'backoff' || life.nextTryAt === null) return;
    const { epoch } = life;
    this.#alarm = this.#of.services.clock.after(this.#until(life.nextTryAt), () => void this.#of.send({ type: 'alarm', epoch }));
  }

  /** The clock of the host may be set: looked at again at least each minute. */
  #alignDue(life: Life): void {
    const { services } = this.#of;
    const schedule = this.#of.normal()?.rules.schedule ?? null;
    if (schedule === null || life.want === 'removed') {
      this.#due?.();
      this.#due = null;
      return;
    }
    const dueAtMs = services.nextDue(schedule, services.clock.nowMs());
    if (this.#due !== null && this.#dueAtMs === dueAtMs) return;
    this.#due?.();
    this.#dueAtMs = dueAtMs;
    this.#due = dueAtMs === null ? null : this.#waitUntil(dueAtMs);
  }

  #waitUntil(dueAtMs: number): Cancel {
    const { services } = this.#of;
    return services.clock.after(Math.min(60_000, Math.max(0, dueAtMs - services.clock.nowMs())), () => {
      if (services.clock.nowMs() < dueAtMs) {
        this.#due = this.#waitUntil(dueAtMs);
        return;
      }
      this.#due = null;
      void this.#of.send({ type: 'due', at: new Date(dueAtMs).toISOString() }).then(() => this.#of.isClosed || this.#alignDue(this.#of.life));
    });
  }

  #alignTimeout(life: Life): void {
    const timeoutMs = this.#of.normal(this.#of.generation(life.instanceGeneration))?.rules.schedule?.timeoutMs ?? null;
    if (life.phase !== 'running' || timeoutMs === null || life.startedMs === null) {
      this.#timeout?.();
      this.#timeout = null;
      return;
    }
    if (this.#timeout !== null) return;
    const leftMs = life.startedMs + timeoutMs - this.#of.services.clock.nowMs();
    this.#timeout = this.#of.services.clock.after(Math.max(0, leftMs), () => void this.#of.send({ type: 'restart', by: 'its schedule', cause: 'timeout' }));
  }

  #until(at: string): number {
    return Math.max(0, Date.parse(at) - this.#of.services.clock.nowMs());
  }
}
