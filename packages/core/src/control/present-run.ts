import type { Crew, Life, StartCause, Supervisor } from '../supervise/index.ts';

export const atRest: ReadonlySet<Life['phase']> = new Set(['idle', 'done', 'failed']);
export const beforeStart: ReadonlySet<Life['phase']> = new Set(['waiting', 'preparing', 'backoff']);
/** Asked for by somebody, or by the schedule: another run. After the other causes the one before goes on. */
const beginsAnother: ReadonlySet<StartCause> = new Set(['due', 'run', 'user', 'restart']);

/** The run of a worker that is there when this is made: an instance after the other as long as it is tried again. Looked at with each change. */
export class PresentRun {
  readonly #one: Supervisor;
  readonly #stopLooking: () => void;
  /** `null` = none of it has been started yet. */
  #instance: string | null = null;
  #isOver = false;

  constructor(one: Supervisor, crew: Crew) {
    this.#one = one;
    this.#look();
    this.#stopLooking = crew.onChange((worker) => {
      if (worker === one.worker && !this.#isOver) this.#look();
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }
  /** Its last one, else the one before it. */
  get instance(): string | null {
    return this.#instance ?? this.#one.life.instance;
  }

  close(): void {
    this.#stopLooking();
  }

  #look(): void {
    const { phase, instance, startCause } = this.#one.life;
    // A start that its engine did not carry out waits for the same cause again: nothing of it has ended.
    const isNext = beginsAnother.has(startCause) && beforeStart.has(phase) && this.#hasEnded();
    this.#isOver = atRest.has(phase) || isNext;
    if (!this.#isOver && !beforeStart.has(phase)) this.#instance = instance;
  }

  #hasEnded(): boolean {
    const state = this.#instance === null ? null : this.#one.instances.get(this.#instance)?.state;
    return state === 'exited' || state === 'gone';
  }
}
