import { setTimeout as sleep } from 'node:timers/promises';
import { type Call, type Found, type InstanceRef, type Logger, runtimeFailure } from '@ostler/sdk';
import { type InstanceDirectory, instancePath, openInstance, siblingPaths } from '../instance/directory.ts';
import { dropLeftNote, hasLeftNote, noteLeft } from '../instance/left-note.ts';
import { killTree, signalTree } from '../tree/kill.ts';
import { treeMembers } from '../tree/members.ts';
import { reapMs, signalOf } from './stop.ts';

/** What only writes its last lines, or notices by itself that its first process has gone, gets time for that. */
const byItselfMs = 1000;
/** How long the end of an agent waits for what it has asked to end; the contract gives `close()` 5 s. */
const closeMs = 4000;
/** Where a directory of an older version does not say how its worker is stopped. */
const usualStop = { signal: 'SIGTERM', graceMs: 10_000 };

/**
 * What workers have left running when their first process ended: it holds their ports and files, so that no next one could run, and nobody else would
 * end it. It is asked to end as its worker is, and killed after the same grace.
 */
export class Leavings {
  readonly #ending = new Map<string, Promise<void>>();
  /** Epoch ms at which all is left to the next agent. */
  #closesMs = Number.POSITIVE_INFINITY;
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** What was seen of an instance. Returns at once. */
  saw(instance: InstanceDirectory, found: Found): void {
    if (found.is !== 'exited' || found.left === undefined) return;
    noteLeft(instance.path);
    this.#begin(instance);
  }

  /** A list came by one that has ended: the agent that saw its end may have died before it was through. Returns at once. */
  passed(instance: InstanceDirectory): void {
    if (hasLeftNote(instance.path)) this.#begin(instance);
  }

  /** Resolves when nothing that was seen of ended instances of this worker is there any more, but for what no signal ends. Throws `aborted` at the end of the call. */
  async clearBefore(state: string, ref: InstanceRef, call: Call): Promise<void> {
    for (const path of siblingPaths(instancePath(state, ref))) {
      const instance = hasLeftNote(path) || this.#ending.has(path) ? openInstance(path) : null;
      if (instance !== null) await this.clear(instance, call);
    }
  }

  /** As {@link clearBefore}, of one that has ended. */
  async clear(instance: InstanceDirectory, call: Call): Promise<void> {
    const late = new Promise<never>((_, reject) => {
      const abort = (): void =>
        reject(
          runtimeFailure({
            code: 'aborted',
            outcome: 'no',
            retryable: true,
            message: `what an earlier instance of ${instance.spec.ref.worker} left running had not ended in time`,
          }),
        );
      call.signal.addEventListener('abort', abort, { once: true });
      if (call.signal.aborted) abort();
    });
    await Promise.race([this.#end(instance), late]);
  }

  /** There may be no next agent, so that all is asked to end now. What has not ended in time is left with that. */
  async close(): Promise<void> {
    this.#closesMs = Date.now() + closeMs;
    await Promise.allSettled(this.#ending.values());
  }

  #begin(instance: InstanceDirectory): void {
    const { worker } = instance.spec.ref;
    this.#end(instance).catch((error) => this.#log.warn({ worker, error: String(error) }, 'what it left running could not be ended'));
  }

  #end(instance: InstanceDirectory): Promise<void> {
    const { path } = instance;
    const going = this.#ending.get(path) ?? this.#endGently(instance).finally(() => this.#ending.delete(path));
    this.#ending.set(path, going);
    return going;
  }

  async #endGently(instance: InstanceDirectory): Promise<void> {
    const { signal, graceMs } = instance.spec.stop ?? usualStop;
    const known = treeMembers(instance);
    const isClosing = (): boolean => this.#closesMs < Number.POSITIVE_INFINITY;
    const isGoneBy = async (untilMs: () => number): Promise<boolean> => {
      for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 200)) {
        if (treeMembers(instance, known).length === 0) return true;
        const leftMs = untilMs() - Date.now();
        if (leftMs <= 0) return false;
        await sleep(Math.min(waitMs, leftMs));
      }
    };
    const alone = Date.now() + byItselfMs;
    if (!(await isGoneBy(() => (isClosing() ? 0 : alone)))) {
      signalTree(instance, signalOf(signal ?? usualStop.signal));
      const patient = Date.now() + graceMs;
      if (!(await isGoneBy(() => Math.min(patient, this.#closesMs)))) {
        if (isClosing()) return;
        await killTree(instance, Date.now() + reapMs, known);
      }
    }
    dropLeftNote(instance.path);
  }
}
