import type { Hint, InstanceRef, Listed } from '@ostler/sdk';
import { handleTo, type Identity, lifeOf } from '../identity/identity.ts';
import { type InstanceDirectory, readIdentity } from '../instance/directory.ts';
import { isHeld, watchLifeline } from '../instance/lifeline.ts';
import { trimSegments } from '../log/segment.ts';

const roundMs = 1000;

/** The lifelines of one driver, and who wants to hear of their ends. */
export class Lifelines {
  readonly #held = new Map<string, { readonly instance: InstanceDirectory; readonly worker: Identity | null; readonly release: () => void }>();
  /** Their holder is gone while they run on: nothing tells of their end, so they are looked at. */
  readonly #orphans = new Map<string, InstanceDirectory>();
  readonly #listeners = new Set<(hint: Hint) => void>();
  /** Being taken over just now. */
  readonly #draining = new Set<string>();
  readonly #takeOver: (instance: InstanceDirectory) => Promise<void> | undefined;

  /** `takeOver`: gives the output of a worker whose holder is gone a reader again. */
  constructor(takeOver: (instance: InstanceDirectory) => Promise<void> | undefined) {
    this.#takeOver = takeOver;
  }

  attach(instance: InstanceDirectory): void {
    const { path } = instance;
    if (this.#held.has(path) || this.#orphans.has(path)) return;
    const release = watchLifeline(`${path}/alive`, () => {
      this.#held.delete(path);
      const worker = readIdentity(path, 'worker');
      if (worker !== null && lifeOf(worker) === 'alive') {
        this.#orphans.set(path, instance);
        this.#drain(instance);
      }
      this.#tell(instance.spec.ref);
    });
    this.#held.set(path, { instance, worker: readIdentity(path, 'worker'), release });
  }

  /** Tried again with each round until somebody reads. */
  #drain(instance: InstanceDirectory): void {
    const { path } = instance;
    if (this.#draining.has(path) || isHeld(`${path}/draining`)) return;
    this.#draining.add(path);
    void Promise.resolve(this.#takeOver(instance))
      .catch(() => {})
      .finally(() => this.#draining.delete(path));
  }

  /**
   * What a list says of an attached one. A lifeline that is held says that its worker runs or is about to be recorded as ended, and its end is told
   * by a hint: the list of a thousand, twice a minute, opens neither their records nor `/proc`.
   */
  listed(path: string): Listed | null {
    const { instance, worker } = this.#held.get(path) ?? { instance: null, worker: null };
    return instance === null || worker === null ? null : { ref: instance.spec.ref, handle: handleTo(worker), is: 'running' };
  }

  /** Its worker was seen to have ended, and its lifeline has not said so yet: a list looks for itself. */
  distrust(path: string): void {
    const held = this.#held.get(path);
    if (held !== undefined) this.#held.set(path, { ...held, worker: null });
  }

  detach(path: string): void {
    this.#held.get(path)?.release();
    this.#held.delete(path);
    this.#orphans.delete(path);
  }

  close(): void {
    for (const path of [...this.#held.keys(), ...this.#orphans.keys()]) this.detach(path);
  }

  #tell(ref: InstanceRef): void {
    for (const listener of this.#listeners) listener({ kind: 'changed', ref });
  }

  /** Calls with each hint on this instance. The returned function lets go. */
  onChange(ref: InstanceRef, listener: () => void): () => void {
    const own = (hint: Hint): void => {
      if (hint.kind === 'changed' && hint.ref.instance === ref.instance && hint.ref.worker === ref.worker) listener();
    };
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  #keepHouse(): void {
    for (const { instance } of this.#held.values()) if (instance.spec.segments === 'raw') trimSegments(instance.path, instance.spec.segmentFiles);
    for (const [path, instance] of this.#orphans) {
      const worker = readIdentity(path, 'worker');
      if (worker !== null && lifeOf(worker) === 'alive') {
        this.#drain(instance);
        continue;
      }
      this.#orphans.delete(path);
      this.#tell(instance.spec.ref);
    }
  }

  /** `gap` first; ends quietly on abort. */
  async *watch(signal: AbortSignal): AsyncGenerator<Hint> {
    const waiting: Hint[] = [{ kind: 'gap', why: 'the watch begins' }];
    let wake = (): void => {};
    const listener = (hint: Hint) => {
      waiting.push(hint);
      wake();
    };
    const onAbort = () => wake();
    this.#listeners.add(listener);
    signal.addEventListener('abort', onAbort);
    const round = setInterval(() => this.#keepHouse(), roundMs);
    round.unref();
    try {
      while (!signal.aborted) {
        const hint = waiting.shift();
        if (hint !== undefined) yield hint;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      clearInterval(round);
      this.#listeners.delete(listener);
      signal.removeEventListener('abort', onAbort);
    }
  }
}
