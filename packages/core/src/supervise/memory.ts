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
  #cancel: Cancel | null = null;
  #isClosed = false;

  constructor(services: Pick<Services, 'clock' | 'stuck' | 'inPlugin' | 'runtime'>) {
    this.#services = services;
  }

  /** Returns what ends it. */
  watch(watched: MemoryWatched): Cancel {
    this.#above.set(watched, 0);
    this.#cancel ??= this.#services.clock.after(everyMs, () => void this.#look());
    return () => void this.#above.delete(watched);
  }

  close(): void {
    this.#isClosed = true;
    this.#above.clear();
    this.#cancel?.();
  }

  async #look(): Promise<void> {
    const byRuntime = Map.groupBy(this.#above.keys(), ({ runtime }) => runtime);
    await Promise.all([...byRuntime].map(([name, watched]) => this.#lookAt(this.#services.runtime(name), watched)));
    const isMore = !this.#isClosed && this.#above.size > 0;
    this.#cancel = isMore ? this.#services.clock.after(everyMs, () => void this.#look()) : null;
  }

  async #lookAt(runtime: RuntimeAccess | null, watched: readonly MemoryWatched[]): Promise<void> {
    const { clock, stuck, inPlugin } = this.#services;
    if (runtime?.driver.stats === undefined || !runtime.isUp()) return;
    const { driver, name, plugin } = runtime;
    const targets = watched.map(({ target }) => target);
    const limits = { name: `usage on ${name}`, plugin, ms: statsMs, clock, stuck, isMutating: false };
    // What cannot be read says nothing, neither for nor against.
    const usages = await callWithDeadline(limits, (call) => inPlugin(plugin, async () => driver.stats?.(targets, call) ?? [])).catch(() => []);
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
