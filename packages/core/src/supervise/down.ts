import { isDeepStrictEqual } from 'node:util';
import type { Json } from '@ostler/sdk';
import { isStoreFailure } from '../store/index.ts';
import type { Crew } from './crew.ts';
import type { Supervisor } from './supervisor.ts';

/** The value of the store with the names of those that are to go down; `null` = nobody has asked for that. */
const valueName = 'goingDown';
const noteRetryMs = 1000;
const hold = { type: 'hold', by: 'down', cause: 'down' } as const;

/**
 * Everything is stopped and held. Each worker is held when its turn to be stopped comes, for until then it is to be kept running for those that depend
 * on it. That all are meant is persisted before the first, so that no death of the agent in between lets some of them run on.
 */
export class Down {
  readonly #crew: Crew;
  /** Whom each that is under way means. */
  readonly #meant = new Set<readonly Supervisor[]>();
  /** Ends those that nobody waits for any more. */
  readonly #unattended = new Set<AbortController>();
  /** Meant by an agent before this one, and not in its store: they may be found on an engine. */
  #unfound = new Set<string>();
  #isNoting = false;
  #isClosed = false;

  constructor(crew: Crew) {
    this.#crew = crew;
  }

  /** What an agent before this one was asked to stop, and had not yet: with `values` of its store. Decided in this turn, before anything of them is seen. */
  resume(values: Readonly<Record<string, Json>>): void {
    const names = values[valueName];
    if (!Array.isArray(names)) return;
    const left = names.flatMap((name) => this.#crew.get(String(name)) ?? []).filter(({ life }) => life.want === 'run');
    this.#unfound = new Set(names.map(String).filter((name) => this.#crew.get(name) === undefined));
    this.#crew.onFound = (one) => {
      if (this.#unfound.delete(one.worker)) void one.send(hold);
    };
    this.#meant.add(left);
    void Promise.all(left.map((one) => one.send(hold))).then(() => this.#leave(left));
  }

  /**
   * Resolves with `true` when all that there are now are at rest, with `false` when it was called off (`signal`), or is waited for no longer (`late`):
   * then it goes on until somebody wishes something else.
   */
  async stopAll(workers: readonly Supervisor[], signal: AbortSignal, late: AbortSignal): Promise<boolean> {
    const callOff = new AbortController();
    const end = (): void => callOff.abort();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    // Of each its own: those who ask may have been given the same list.
    const meant = [...workers];
    this.#meant.add(meant);
    // One at a time is enough, and this one can be called off.
    this.callOff();
    this.#note();
    const isDone = this.#crew.stopInOrder(meant, hold, callOff.signal).finally(() => {
      signal.removeEventListener('abort', end);
      this.#unattended.delete(callOff);
      this.#leave(meant);
    });
    const isLate = new Promise<false>((resolve) => {
      const leave = (): void => {
        signal.removeEventListener('abort', end);
        if (!callOff.signal.aborted) this.#unattended.add(callOff);
        resolve(false);
      };
      late.addEventListener('abort', leave, { once: true });
      isDone.finally(() => late.removeEventListener('abort', leave)).catch(() => {});
      if (late.aborted) leave();
    });
    return Promise.race([isDone, isLate]);
  }

  /** Somebody wishes that something runs: what goes down with nobody waiting for it stays as it is. */
  callOff(): void {
    this.#unfound.clear();
    for (const controller of this.#unattended) controller.abort();
  }

  /** This agent ends: whoever waits is gone with it, and the next one goes on. */
  close(): void {
    this.#isClosed = true;
  }

  #leave(workers: readonly Supervisor[]): void {
    this.#meant.delete(workers);
    this.#note();
  }

  #note(): void {
    if (this.#isNoting || this.#isClosed) return;
    this.#isNoting = true;
    void this.#write();
  }

  /** Until the store says what is: a name that stayed would have its worker held by an agent to come. */
  async #write(): Promise<void> {
    const { journal, clock, log } = this.#crew.services;
    let written: readonly string[] | null | undefined;
    while (!this.#isClosed && !isDeepStrictEqual(written, this.#names())) {
      const names = this.#names();
      try {
        await journal.record({ values: { [valueName]: names } });
        written = names;
      } catch (error) {
        // Its agent ends.
        if (isStoreFailure(error) && error.code === 'closed') break;
        log.warn({ error: String(error) }, 'what is to go down could not be written down');
        await clock.sleep(noteRetryMs);
      }
    }
    this.#isNoting = false;
  }

  #names(): string[] | null {
    const names = [...this.#meant].flatMap((workers) => workers.map(({ worker }) => worker));
    return names.length === 0 ? null : [...new Set(names)].sort();
  }
}
