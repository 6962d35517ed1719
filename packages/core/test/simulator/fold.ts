import type { Disk } from './disk.ts';

/** Who runs, by the journal alone. Each entry is read once, however often it is asked for. */
export class Fold {
  readonly #up = new Map<string, boolean>();
  #at = 0;

  isUp(disk: Disk, worker: string): boolean {
    for (; this.#at < disk.journal.length; this.#at++) {
      const { type, worker: of } = disk.journal[this.#at]!;
      if (of === null) continue;
      if (type === 'worker.started' || type === 'worker.adopted') this.#up.set(of, true);
      if (type === 'worker.exited' || type === 'worker.stopped' || type === 'worker.removed') this.#up.set(of, false);
    }
    return this.#up.get(worker) ?? false;
  }
}
