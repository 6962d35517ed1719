import type { Call } from '@ostler/sdk';
import { callWithDeadline } from '../base/call.ts';
import type { Cancel } from '../base/clock.ts';
import type { MemoryWatched, RuntimeAccess, Services } from './services.ts';

const everyMs = 5000;
/** A peak of one moment is no reason to end a worker. */
const looks = 3;
const statsMs = 5000;

/** Looks at the memory of the workers whose rule says so, all of one runtime by one call. */
export class MemoryWatch {
  readonly #services: Pick<Services, 'clock' | 'stuck' | 'inPlugin' | 'runtime'>;
  readonly #above = new Map<MemoryWatched, number>();
  /** By runtime: its next look, or one that is under way. */
  readonly #looks = new Map<string, Cancel>();
  /** Runtimes whose last answer is still to come, however late: they are not asked again. */
  readonly #asked = new Set<string>();

  constructor(services: Pick<Services, 'clock' | 'stuck' | 'inPlugin' | 'runtime'>) {
    this.#services = services;
  }

  /** Returns what ends it. */
  watch(watched: MemoryWatched): Cancel {
    this.#above.set(watched, 0);
    if (!this.#looks.has(watched.runtime)) this.#lookIn(watched.runtime);
    return () => void this.#above.delete(watched);
  }

  close(): void {
    this.#above.clear();
    for (const cancel of this.#looks.values()) cancel();
  }

  #lookIn(runtime: string): void {
    this.#looks.set(
      runtime,
      this.#services.clock.after(everyMs, () => void this.#look(runtime)),
    );
  }

  /** Each runtime at its own pace: one that hangs delays no other. */
  async #look(runtime: string): Promise<void> {
    const watched = [...this.#above.keys()].filter((one) => one.runtime === runtime);
    if (watched.length > 0) await this.#lookAt(this.#services.runtime(runtime), watched);
    if ([...this.#above.keys()].some((one) => one.runtime === runtime)) this.#lookIn(runtime);
    else this.#looks.delete(runtime);
  }

  async #lookAt(runtime: RuntimeAccess | null, watched: readonly MemoryWatched[]): Promise<void> {
    const { clock, stuck, inPlugin } = this.#services;
    if (runtime?.driver.stats === undefined || !runtime.isUp() || this.#asked.has(runtime.name)) return;
    const { driver, name, plugin } = runtime;
    const targets = watched.map(({ target }) => target);
    const limits = { name: `usage on ${name}`, plugin, ms: statsMs, clock, stuck, isMutating: false };
    const ask = (call: Call) =>
      inPlugin(plugin, async () => {
        this.#asked.add(name);
        return (await driver.stats?.(targets, call)) ?? [];
      }).finally(() => this.#asked.delete(name));
    // What cannot be read says nothing, neither for nor against.
    const usages = await callWithDeadline(limits, ask).catch(() => []);
    for (const [index, one] of watched.entries()) {
      const bytes = usages[index]?.memoryBytes ?? null;
      const before = this.#above.get(one);
      if (bytes === null || before === undefined) continue;
      const times = bytes > one.aboveBytes ? before + 1 : 0;
      if (times < looks) this.#above.set(one, times);
      else {
        this.#above.delete(one);
        one.onAbove(`${sizeText(bytes)} after ${looks} looks that all found more than ${sizeText(one.aboveBytes)}`);
      }
    }
  }
}

/** `64 MiB`, `1.5 GiB`: as coarse as a reader needs it. */
function sizeText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${units[power]}`;
}
