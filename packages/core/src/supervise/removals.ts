import { Mailbox } from '../base/mailbox.ts';
import { remove } from './calls.ts';
import type { Subject } from './subject.ts';

/** Takes the ended instances of one worker away, each by a call to the runtime that it was on. */
export class Removals {
  readonly #of: Subject;
  readonly #calls = new Map<string, Mailbox>();

  constructor(of: Subject) {
    this.#of = of;
  }

  /** Mutating calls of a worker to one runtime, whatever for. Those to another do not wait for them: it may hang. */
  callsTo(runtime: string): Mailbox {
    const calls = this.#calls.get(runtime) ?? new Mailbox();
    this.#calls.set(runtime, calls);
    return calls;
  }

  /** Those beyond the ones that stay. Nobody waits for it: where it fails, or a runtime does not answer, a later start tries it again. */
  retire(): void {
    const { instances, life, services } = this.#of;
    for (const { instance, runtime } of instances.superfluous(life.instance))
      this.callsTo(runtime)
        .post(() => (services.runtime(runtime)?.isUp() === true ? this.remove(instance) : undefined))
        .catch(() => {});
  }

  /** Those of a worker that is no more. */
  async removeAll(): Promise<void> {
    for (const { instance, runtime } of this.#of.instances.all())
      await this.callsTo(runtime)
        .post(() => this.remove(instance))
        .catch(() => {});
  }

  /** Inside the calls to its runtime. */
  async remove(instance: string): Promise<void> {
    const { instances, services, worker } = this.#of;
    const target = this.#of.target(instance);
    const record = instances.get(instance);
    if (target === null || record === null) return;
    const runtime = services.runtime(record.runtime);
    if (runtime === null) throw new Error(`no loaded plugin brings the runtime ${record.runtime}`);
    await remove(services, runtime, target);
    if (instance === this.#of.life.instance && this.#of.life.want !== 'removed') return;
    await services.journal.record({ forgetInstances: [{ worker, instance }] });
    instances.drop(instance);
  }
}
