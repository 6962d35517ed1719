import { type Call, type Handle, type InstanceRef, isRuntimeFailure, type RuntimeFailure, runtimeFailure } from '@ostler/sdk';
import type { Engine } from './engine.ts';
import type { Random } from './random.ts';
import type { Owner } from './timeline.ts';

/** A call that an agent made and that has not been answered. */
export interface Request {
  readonly owner: Owner;
  readonly engine: Engine;
  readonly method: string;
  readonly worker: string | null;
  readonly instance: string | null;
  readonly isMutating: boolean;
  /** By what it is looked for. */
  readonly by: Handle | null;
  /** Which one it is sent, or ended by; `null` = the usual one. */
  readonly signal: string | null;
  /** How long what is stopped may take; `null` = it is not stopped. */
  readonly graceMs: number | null;
  readonly act: () => unknown;
  readonly answer: (answer: { readonly value: unknown } | { readonly error: unknown }) => void;
  /** The engine has done it; its answer is on the way. */
  done: { readonly value: unknown } | { readonly error: unknown } | null;
  /** Its caller has gone on without it. */
  isAbandoned: boolean;
}

export interface RequestsGiven {
  readonly random: Random;
  /** Before the engine hears of it. */
  onAsked(request: Request): void;
  /** A call was answered with an error, or given up. `isUnknown`: what it did was not told. */
  onFailed(request: Request, isUnknown: boolean): void;
  /** A call was answered. */
  onAnswered(request: Request, value: unknown): void;
}

export const failure = (code: RuntimeFailure['code'], outcome: RuntimeFailure['outcome'], message: string) =>
  runtimeFailure({ code, outcome, retryable: outcome !== 'no', message });
const isUnknown = (error: unknown): boolean => !isRuntimeFailure(error) || error.outcome === 'unknown';

/** What one engine was asked and has not answered. */
export class Requests {
  readonly all: Request[] = [];
  readonly #engine: Engine;
  readonly #given: RequestsGiven;

  constructor(engine: Engine, given: RequestsGiven) {
    this.#engine = engine;
    this.#given = given;
  }

  /** Goes on with a request: it is carried out, or its answer arrives. */
  step(request: Request): void {
    if (request.done === null) {
      if (this.#engine.isDown) {
        request.done = { error: failure('engine-down', 'no', `${this.#engine.name} does not answer`) };
        return;
      }
      try {
        request.done = { value: request.act() };
      } catch (error) {
        request.done = { error };
      }
      if (request.isAbandoned || request.owner.isDead) this.#drop(request);
      return;
    }
    this.#drop(request);
    // To nobody.
    if (request.isAbandoned || request.owner.isDead) return;
    const { random } = this.#given;
    const isLost = !this.#engine.isFlawless && request.isMutating && 'value' in request.done && random.rarely(0.04);
    if (!this.#engine.isFlawless && request.method === 'inspect' && random.rarely(0.02))
      request.done = { error: failure('internal', 'no', 'it could not look') };
    // Some drivers tell it as they should, some break.
    const lost = random.chance(0.5) ? failure('timeout', 'unknown', 'the answer was lost') : new Error('the driver broke');
    const answer = isLost ? { error: lost } : request.done;
    if ('error' in answer) this.#given.onFailed(request, isUnknown(answer.error));
    else this.#given.onAnswered(request, answer.value);
    request.answer(answer);
  }

  /** What it had not begun when it died. */
  forget(): void {
    for (const request of [...this.all]) {
      if (request.done !== null) continue;
      this.#drop(request);
      if (request.isAbandoned || request.owner.isDead) continue;
      this.#given.onFailed(request, true);
      request.answer({ error: failure('engine-down', request.isMutating ? 'unknown' : 'no', `${this.#engine.name} went away`) });
    }
  }

  #drop(request: Request): void {
    const at = this.all.indexOf(request);
    if (at >= 0) this.all.splice(at, 1);
  }

  /** Resolves, or rejects, when it is answered; never where its owner is dead. */
  ask<X>(
    owner: Owner,
    method: string,
    ref: InstanceRef | null,
    isMutating: boolean,
    call: Call,
    act: () => X,
    { by = null, signal = null, graceMs = null }: Partial<Pick<Request, 'by' | 'signal' | 'graceMs'>> = {},
  ): Promise<X> {
    return new Promise((resolve, reject) => {
      if (owner.isDead) return;
      const request: Request = {
        ...{
          owner,
          engine: this.#engine,
          method,
          worker: ref?.worker ?? null,
          instance: ref?.instance ?? null,
          isMutating,
          by,
          signal,
          graceMs,
          act,
          done: null,
          isAbandoned: false,
        },
        answer: (answer) => {
          if (owner.isDead || request.isAbandoned) return;
          if ('value' in answer) resolve(answer.value as X);
          else reject(answer.error as Error);
        },
      };
      this.#given.onAsked(request);
      this.all.push(request);
      call.signal.addEventListener('abort', () => {
        if (request.isAbandoned || !this.all.includes(request)) return;
        request.isAbandoned = true;
        // An engine that has thawed may carry it out all the same.
        if (this.#given.random.chance(0.5)) this.#drop(request);
        this.#given.onFailed(request, true);
        reject(failure('aborted', isMutating ? 'unknown' : 'no', 'its time was up'));
      });
    });
  }
}
