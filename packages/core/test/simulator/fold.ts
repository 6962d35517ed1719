import type { Disk } from './disk.ts';

/** Who runs, by the journal alone. Each entry is read once, however often it is asked for. */
export class Fold {
  readonly #up = new Map<string, boolean>();
  #at = 0;
  #writes = -1;

  wrong({ journal, workers, writes }: Disk): string | null {
    if (writes === this.#writes) return null;
    this.#writes = writes;
    for (; this.#at < journal.length; this.#at++) {
      const { type, worker } = journal[this.#at]!;
      if (worker === null) continue;
      if (type === 'worker.started' || type === 'worker.adopted') this.#up.set(worker, true);
      if (type === 'worker.exited' || type === 'worker.stopped' || type === 'worker.removed') this.#up.set(worker, false);
    }
    for (const { worker, phase } of workers.values()) {
      const isUp = this.#up.get(worker) ?? false;
      if (phase === 'running' && !isUp) return `${worker} runs by its row, not by the journal`;
      if (['backoff', 'done', 'failed'].includes(phase) && isUp) return `${worker} runs by the journal, its row says ${phase}`;
    }
    return null;
  }
}
