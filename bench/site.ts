import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** Where one run of one supervisor takes place. Everything that belongs to the run bears `dir` in its command line or works below it. */
export interface Site {
  readonly dir: string;
  /** The built worker.c. */
  readonly worker: string;
  /** Where the workers append their stamps. */
  readonly stamps: string;
  readonly n: number;
  /** How many lines a worker prints at SIGUSR1. */
  readonly lines: number;
  /** What ostler's host file says of a worker beside its command. */
  readonly fields?: ((index: number) => object) | undefined;
}

/** What a run has beyond its workers. */
export type Beside = Partial<Pick<Site, 'lines' | 'fields'>>;

/** The command of worker `index`. */
export const workerCommand = ({ worker, stamps, lines }: Site, index: number): readonly string[] => [worker, stamps, String(index), String(lines)];

export const names = (n: number): readonly string[] => Array.from({ length: n }, (_, index) => `w${index}`);

/**
 * Hands out a fresh directory for every run and deletes none before the end of the bench: on ext4 a directory below which thousands of files were just
 * deleted makes new files 5 to 8 times slower, and that would be measured instead.
 */
export class Sites {
  readonly base: string;
  readonly #worker: string;
  #count = 0;

  constructor(base: string, worker: string) {
    this.base = base;
    this.#worker = worker;
  }

  fresh(name: string, n: number, { lines = 0, fields }: Beside = {}): Site {
    this.#count += 1;
    const dir = join(this.base, `${String(this.#count).padStart(4, '0')}-${name.replace(/[^a-z0-9]+/gi, '-')}`);
    mkdirSync(dir, { mode: 0o755 });
    return { dir, worker: this.#worker, stamps: join(dir, 'stamps'), n, lines, fields };
  }
}
