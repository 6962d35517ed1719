import type { Crew, Life, Supervisor } from '../supervise/index.ts';

export const atRest: ReadonlySet<Life['phase']> = new Set(['idle', 'done', 'failed']);
export const beforeStart: ReadonlySet<Life['phase']> = new Set(['waiting', 'preparing', 'backoff']);

/** The run of a worker that is there when this is made: an instance after the other as long as it is tried again. Looked at with each change. */
export class PresentRun {
  readonly #one: Supervisor;
  readonly number: number;
  readonly #stopLooking: () => void;
  /** `null` = none of it has been started yet. */
  #instance: string | null = null;
  #isOver = false;

  constructor(one: Supervisor, crew: Crew) {
    this.#one = one;
    this.number = one.life.runs;
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
    const { phase, instance, runs } = this.#one.life;
    this.#isOver = atRest.has(phase) || runs !== this.number;
    if (!this.#isOver && !beforeStart.has(phase)) this.#instance = instance;
  }
}
