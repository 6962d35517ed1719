import type { Call, WorkerSpec } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import type { ImageJson } from '../engine/json.ts';
import { refusal } from '../errors.ts';
import { localImage } from './local.ts';
import { type PinnedImage, pullPolicyOf } from './pinned.ts';
import { pullImage } from './pull.ts';
import type { SharedRuns } from './shared-runs.ts';

/** The pinned images of one engine: those it has, and those on their way. */
export class Images {
  readonly #engine: Connection;
  readonly #runs: SharedRuns;

  constructor(engine: Connection, runs: SharedRuns) {
    this.#engine = engine;
    this.#runs = runs;
  }

  /** The engine's image of an artifact that is not built; `null` = it has to be pulled. */
  async find({ id, pull }: PinnedImage, call: Call): Promise<ImageJson | null> {
    for (const name of [id, pull].filter((one) => one !== null)) {
      const found = await localImage(this.#engine, name, call);
      if (found !== null) return found;
    }
    return null;
  }

  /** Makes sure that the engine has it. Throws `not-found` where no registry can give it. */
  async prepare(image: PinnedImage, spec: WorkerSpec, call: Call): Promise<void> {
    if ((await this.find(image, call)) !== null) return;
    const { pull, reference } = image;
    if (pull === null)
      throw refusal('not-found', `the engine no longer has the image ${reference}, and no registry is known to have it; import or build it again`);
    if (pullPolicyOf(spec) === 'never') throw refusal('not-found', `the engine no longer has the image ${reference}, and the worker says \`pull: never\``);
    await this.pull(pull, call);
  }

  /** Who wants what is being pulled waits for that pull. */
  pull(name: string, call: Call): Promise<void> {
    return this.#runs.once(`pull ${name}`, `pull the image ${name}`, call, (shared) => pullImage(this.#engine, name, shared));
  }
}
