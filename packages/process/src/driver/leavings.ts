import { basename, dirname } from 'node:path';
import { type Call, type Found, type InstanceRef, type Logger, runtimeFailure } from '@ostler/sdk';
import { type InstanceDirectory, instancePath, openInstance, pathsOfWorker } from '../instance/directory.ts';
import { dropNote, hasNote, takeNote } from '../instance/note.ts';
import { endGently } from '../tree/gently.ts';
import { killTree } from '../tree/kill.ts';
import { treeMembers } from '../tree/members.ts';
import { byItselfMs, reapMs, signalOf } from './stop.ts';

/** However long its worker may take: the next start waits for it, within its own deadline, and a removal too. */
const longestGraceMs = 45_000;
/** Where a directory of an older version does not say how its worker is stopped. */
const usualStop = { signal: 'SIGTERM', graceMs: 10_000 };

/**
 * What workers have left running when their first process ended: it holds their ports and files, so that no next one could run, and nobody else would
 * end it. It is asked to end as its worker is, and killed after the same grace.
 */
export class Leavings {
  /** What is being ended, by path: of what has ended, or by a stop. */
  readonly #ending = new Map<string, Promise<void>>();
  readonly #stopping = new Set<string>();
  readonly #closing = new AbortController();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** A stop ends all of its instance by itself: nothing else is done for that meanwhile, and the next start waits for it. */
  async during<T>({ path }: InstanceDirectory, stop: Promise<T>): Promise<T> {
    const over = (): void => void this.#stopping.delete(path);
    this.#stopping.add(path);
    void this.#keep(path, stop.then(over, over));
    return stop;
  }

  /** What was seen of an instance. Returns at once. */
  saw(instance: InstanceDirectory, found: Found): void {
    if (found.is !== 'exited' || found.left === undefined) return;
    takeNote(instance.path, 'left');
    this.#begin(instance);
  }

  /** A list came by one that has ended: the agent that saw its end may have died before it was through. Returns at once. */
  passed(instance: InstanceDirectory): void {
    if (hasNote(instance.path, 'left')) this.#begin(instance);
  }

  /**
   * Resolves when nothing that was seen of ended instances of this worker is there any more, but for what no signal ends. Throws `aborted` at the end of the
   * call. `beside`: the one for which that is to be so.
   */
  async clearOf(state: string, agent: string, worker: string, call: Call, beside: InstanceRef | null = null): Promise<void> {
    const own = beside === null ? null : instancePath(state, beside);
    for (const path of pathsOfWorker(state, agent, worker)) {
      const instance = path !== own && (hasNote(path, 'left') || this.#ending.has(path)) ? openInstance(path) : null;
      if (instance !== null) await this.clear(instance, call);
    }
  }

  /** As {@link clearOf}, of what has ended and is being cleared away: of a worker whose start can still be called off. */
  async clearUnderWay(worker: string, call: Call): Promise<void> {
    const ofIt = [...this.#ending].filter(([path]) => basename(dirname(path)) === worker && !this.#stopping.has(path));
    for (const [, ending] of ofIt) await inTime(ending, worker, call);
  }

  /** As {@link clearOf}, of one that has ended. */
  clear(instance: InstanceDirectory, call: Call): Promise<void> {
    return inTime(this.#end(instance), instance.spec.ref.worker, call);
  }

  /** What was asked to end is left with that. */
  close(): void {
    this.#closing.abort();
  }

  #begin(instance: InstanceDirectory): void {
    const { worker } = instance.spec.ref;
    this.#end(instance).catch((error) => this.#log.warn({ worker, error: String(error) }, 'what it left running could not be ended'));
  }

  #end(instance: InstanceDirectory): Promise<void> {
    return this.#ending.get(instance.path) ?? this.#keep(instance.path, this.#clearAway(instance));
  }

  #keep(path: string, ending: Promise<void>): Promise<void> {
    const kept = ending.finally(() => this.#ending.get(path) === kept && this.#ending.delete(path));
    this.#ending.set(path, kept);
    return kept;
  }

  async #clearAway(instance: InstanceDirectory): Promise<void> {
    const { signal, graceMs } = instance.spec.stop ?? usualStop;
    const known = treeMembers(instance);
    const isCalledOff = (): boolean => this.#closing.signal.aborted;
    const members = () => treeMembers(instance, known);
    const isGone = await endGently({
      signal: signalOf(signal ?? usualStop.signal),
      byItselfMs,
      graceMs: Math.min(graceMs, longestGraceMs),
      members,
      wasAsked: () => false,
      isCalledOff,
    });
    if (isCalledOff()) return;
    if (!isGone) await killTree(instance, Date.now() + reapMs, known);
    dropNote(instance.path, 'left');
  }
}

async function inTime(ending: Promise<void>, worker: string, call: Call): Promise<void> {
  const late = new Promise<never>((_, reject) => {
    const message = `what an earlier instance of ${worker} left running had not ended in time`;
    const abort = (): void => reject(runtimeFailure({ code: 'aborted', outcome: 'no', retryable: true, message }));
    call.signal.addEventListener('abort', abort, { once: true });
    if (call.signal.aborted) abort();
  });
  await Promise.race([ending, late]);
}
