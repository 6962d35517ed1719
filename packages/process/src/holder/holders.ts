import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { type CgroupPlace, cgroupHomes, findCgroupPlace } from '../cgroup/place.ts';
import { type InstanceSpec, storeIdentity } from '../instance/directory.ts';
import type { Tools } from '../launch/wrapper.ts';
import { findBinary } from './compiled/binary.ts';
import { compiledHolder } from './compiled/compiled-holder.ts';
import { Launcher } from './compiled/launcher.ts';
import type { Holder } from './holder.ts';
import { shHolder } from './sh-holder.ts';

export interface Opened {
  /** Holds what is started from now on. */
  readonly main: Holder;
  readonly cgroups: CgroupPlace;
  /** Why the compiled one is not used; `null` = it is. */
  readonly degraded: string | null;
}

/** The holders of one driver. Both are at hand always: an instance is carried on by the kind that began it. */
export class Holders {
  readonly #state: string;
  readonly #given: Holder | undefined;
  readonly #sh: Holder;
  readonly #compiled: Holder;
  #launcher: Promise<Launcher> | null = null;
  #opening: Promise<Opened> | null = null;
  #opened: Opened | null = null;
  #isClosed = false;

  constructor(state: string, tools: () => Tools, given?: Holder) {
    this.#state = state;
    this.#given = given;
    this.#sh = shHolder(tools, state);
    this.#compiled = compiledHolder(() => this.#living());
  }

  /** `null` before {@link open} has come to its end. */
  get opened(): Opened | null {
    return this.#opened;
  }

  /** Begins with the first call. Until it resolves a start of an agent before may still be on its way, so nothing can be listed. */
  open(): Promise<Opened> {
    this.#opening ??= this.#open().then((opened) => {
      this.#opened = opened;
      return opened;
    });
    this.#opening.catch(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  of(spec: InstanceSpec): Holder {
    if (this.#given !== undefined && (spec.holder ?? 'sh') === this.#given.name) return this.#given;
    return spec.holder === 'compiled' ? this.#compiled : this.#sh;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const launcher = await this.#launcher?.catch(() => null);
    await launcher?.close();
    for (const group of this.#groups()) {
      try {
        rmdirSync(group);
      } catch {
        // Holders live in it, or it is gone.
      }
    }
  }

  async #open(): Promise<Opened> {
    if (this.#given !== undefined) return { main: this.#given, cgroups: findCgroupPlace(), degraded: null };
    const found = findBinary();
    if (found.path === null) return { main: this.#sh, cgroups: findCgroupPlace(), degraded: found.why };
    try {
      const launcher = await this.#living();
      const home = launcher.cgroup === null ? null : (cgroupHomes()[launcher.cgroup] ?? null);
      return { main: this.#compiled, cgroups: findCgroupPlace(home), degraded: null };
    } catch (error) {
      return { main: this.#sh, cgroups: findCgroupPlace(), degraded: `${found.path}: ${(error as Error).message}` };
    }
  }

  /** The launcher; a fresh one if it was killed. */
  async #living(): Promise<Launcher> {
    for (;;) {
      this.#launcher ??= this.#begin();
      const asked = this.#launcher;
      const launcher = await asked.catch((error: unknown) => {
        if (this.#launcher === asked) this.#launcher = null;
        throw error;
      });
      if (!launcher.isGone) return launcher;
      if (this.#launcher === asked) this.#launcher = null;
    }
  }

  #begin(): Promise<Launcher> {
    const binary = findBinary();
    if (binary.path === null) return Promise.reject(new Error(binary.why));
    if (this.#isClosed) return Promise.reject(new Error('the driver is closed'));
    return Launcher.open(binary.path, this.#state, this.#makeGroups());
  }

  /** Where holders live, beside the workers: what ends the agent's own cgroup does not end them. */
  #groups(): readonly string[] {
    const store = storeIdentity(this.#state).replace('process:', '').slice(0, 8);
    return cgroupHomes().map((home) => join(home, `ostler-holders-${store}`));
  }

  #makeGroups(): readonly string[] {
    for (const group of this.#groups()) {
      try {
        mkdirSync(group);
      } catch {
        // There already, or not for this user: the launcher finds out.
      }
    }
    return this.#groups();
  }
}
