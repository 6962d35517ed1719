import type { Cancel } from '../base/clock.ts';
import { Calendar, punctualMs } from './calendar.ts';
import type { Life, OverdoneCause } from './life.ts';
import { oldAtMs } from './restart.ts';
import type { Subject } from './subject.ts';

/** When the running instance is to be started anew though nothing is wrong with it, or not yet: too much memory, its age, a time of day. */
export class Renewal {
  readonly #of: Subject;
  readonly #calendar: Calendar;
  #instance: string | null = null;
  #cancels: Cancel[] = [];

  constructor(of: Subject) {
    this.#of = of;
    this.#calendar = new Calendar(
      of.services,
      (dueMs) => {
        // One that was missed, since the host slept, is not made up for.
        if (of.services.clock.nowMs() - dueMs <= punctualMs) this.#say('at', null);
        this.#alignCalendar();
      },
      () => this.#alignCalendar(),
    );
  }

  align({ phase, want, blind, instance, startedMs }: Life): void {
    const { services } = this.#of;
    const isWatched = phase === 'running' && want === 'run' && blind === null && instance !== null;
    if (isWatched && this.#instance === instance) return;
    this.close();
    const rule = isWatched ? this.#rule() : null;
    const target = this.#of.target();
    if (rule === null || target === null) return;
    this.#instance = instance;
    const { maxAgeMs, memoryAboveBytes } = rule;
    if (maxAgeMs !== null && startedMs !== null && instance !== null) {
      // Waited for without the clock of the host: one that was wrong and is set must not make everybody old at once.
      const leftMs = oldAtMs(startedMs, maxAgeMs, instance) - services.clock.nowMs();
      this.#cancels.push(services.clock.after(Math.min(maxAgeMs, Math.max(0, leftMs)), () => this.#say('age', null)));
    }
    if (memoryAboveBytes !== null) {
      const onAbove = (evidence: string): void => this.#say('memory', evidence);
      this.#cancels.push(services.memory.watch({ runtime: this.#of.runtimeName() ?? '', target, aboveBytes: memoryAboveBytes, onAbove }));
    }
    this.#alignCalendar();
  }

  close(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels = [];
    this.#calendar.close();
    this.#instance = null;
  }

  #rule() {
    return this.#of.normal(this.#of.generation(this.#of.life.instanceGeneration))?.rules.restart ?? null;
  }

  #alignCalendar(): void {
    if (this.#instance !== null) this.#calendar.align(this.#rule()?.at ?? null, this.#of.life.startedMs);
  }

  #say(cause: OverdoneCause, evidence: string | null): void {
    if (this.#instance !== null) void this.#of.send({ type: 'overdone', instance: this.#instance, cause, evidence });
  }
}
