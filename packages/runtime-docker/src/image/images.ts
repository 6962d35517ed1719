import type { Artifact, Call, WorkerSpec } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import type { ImageJson } from '../engine/json.ts';
import { abortFailure, refusal } from '../errors.ts';
import { localImage } from './local.ts';
import { pullImage } from './pull.ts';
import { pinnedIn, pullPolicyOf } from './resolve.ts';

interface Pull {
  readonly done: Promise<void>;
  readonly callers: Set<Call>;
  readonly cancel: AbortController;
}

/** The pinned images of one engine: those it has, and those on their way. */
export class Images {
  readonly #engine: Connection;
  readonly #pulls = new Map<string, Pull>();

  constructor(engine: Connection) {
    this.#engine = engine;
  }

  /** The engine's image of an artifact; `null` = it has to be pulled. */
  async find(artifact: Artifact, call: Call): Promise<ImageJson | null> {
    const { id, pull } = pinnedIn(artifact);
    for (const name of [id, pull].filter((one) => one !== null)) {
      const found = await localImage(this.#engine, name, call);
      if (found !== null) return found;
    }
    return null;
  }

  /** Makes sure that the engine has it. Throws `not-found` where no registry can give it. */
  async prepare(artifact: Artifact, spec: WorkerSpec, call: Call): Promise<void> {
    if ((await this.find(artifact, call)) !== null) return;
    const { pull, reference } = pinnedIn(artifact);
    if (pull === null)
      throw refusal('not-found', `the engine no longer has the image ${reference}, and no registry is known to have it; import or build it again`);
    if (pullPolicyOf(spec) === 'never') throw refusal('not-found', `the engine no longer has the image ${reference}, and the worker says \`pull: never\``);
    await this.#pullOnce(pull, call);
  }

  /** Who wants what is being pulled waits for that pull; it is given up when all of them have gone. */
  async #pullOnce(name: string, call: Call): Promise<void> {
    const pull = this.#pulls.get(name) ?? this.#begin(name);
    pull.callers.add(call);
    const gone = Promise.withResolvers<never>();
    const onAbort = (): void => {
      pull.callers.delete(call);
      if (pull.callers.size === 0) pull.cancel.abort();
      gone.reject(abortFailure({ what: `pull the image ${name}`, isMutating: false }, true));
    };
    if (call.signal.aborted) onAbort();
    else call.signal.addEventListener('abort', onAbort, { once: true });
    try {
      await Promise.race([pull.done, gone.promise]);
    } finally {
      pull.callers.delete(call);
      call.signal.removeEventListener('abort', onAbort);
    }
  }

  #begin(name: string): Pull {
    const callers = new Set<Call>();
    const cancel = new AbortController();
    const shared: Call = {
      signal: cancel.signal,
      deadlineMs: Number.MAX_SAFE_INTEGER,
      progress: (note, fraction) => {
        for (const one of callers) one.progress(note, fraction);
      },
      output: (bytes) => {
        for (const one of callers) one.output(bytes);
      },
    };
    const done = pullImage(this.#engine, name, shared).finally(() => this.#pulls.delete(name));
    // Told to each caller; with none left it is nobody's.
    done.catch(() => {});
    const pull = { done, callers, cancel };
    this.#pulls.set(name, pull);
    return pull;
  }
}
