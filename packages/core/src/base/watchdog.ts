import { Worker } from 'node:worker_threads';
import { LoopLag } from './loop-lag.ts';
import { board, newBoard, numbersOf, writeSlot } from './watchdog-board.ts';

/** Runs a plugin's code so that the watchdog can name it. Covers what runs at once, not what runs after an `await`: the thread finds that by the stack. */
export type InPlugin = <T>(id: string, run: () => T) => T;

export interface Stall {
  /** Whose code kept the loop busy; `null` = could not be told. */
  readonly plugin: string | null;
  readonly busyMs: number;
  readonly text: string;
}

export interface WatchdogOptions {
  /** Appended to by the thread itself, for the loop cannot write while it is busy; default: none. */
  readonly file?: string | undefined;
  /** When the loop counts as busy, and when that is said again. */
  readonly lateMs?: readonly number[] | undefined;
  /** After the loop is free again. */
  onStall?(stall: Stall): void;
}

/** A thread that notices when the agent's loop is kept busy, says whose code does it on stderr and in a file, and leaves the rest to people. */
export class Watchdog {
  readonly #memory = newBoard();
  readonly #numbers = numbersOf(this.#memory);
  readonly #slots = new Map<string, number>();
  readonly #options: WatchdogOptions;
  #thread: Worker | null = null;
  readonly lag: LoopLag;

  constructor(options: WatchdogOptions = {}) {
    this.#options = options;
    this.lag = new LoopLag(() => Atomics.add(this.#numbers, board.beat, 1));
  }

  /** Starts the thread; before that nothing is noticed. Harmless when it runs. */
  start(): void {
    if (this.#thread !== null) return;
    const options = this.#options;
    // The checkout runs .ts, a published package .js.
    const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
    const thread = new Worker(new URL(`./watchdog-thread${extension}`, import.meta.url), {
      name: 'ostler-watchdog',
      workerData: { memory: this.#memory, file: options.file ?? null, lateMs: options.lateMs ?? [2000, 10_000] },
      execArgv: [],
      // It makes next to nothing; the usual would be room for 16 MiB of it.
      resourceLimits: { maxYoungGenerationSizeMb: 1 },
    });
    this.#thread = thread;
    thread.unref();
    thread.on('message', (stall: Stall) => options.onStall?.(stall));
    // A watchdog that cannot run must not take the agent with it.
    thread.on('error', (error) => options.onStall?.({ plugin: null, busyMs: 0, text: `the watchdog has ended: ${error.message}` }));
  }

  /** Tells the thread which folder a plugin's code comes from, so that a stack can be read. */
  know(id: string, folder: string): void {
    writeSlot(this.#memory, this.#slotOf(id), { id, folder });
  }

  readonly inPlugin: InPlugin = (id, run) => {
    const before = Atomics.exchange(this.#numbers, board.plugin, this.#slotOf(id));
    try {
      return run();
    } finally {
      Atomics.store(this.#numbers, board.plugin, before);
    }
  };

  async close(): Promise<void> {
    this.lag.close();
    await this.#thread?.terminate();
  }

  #slotOf(id: string): number {
    const known = this.#slots.get(id);
    if (known !== undefined) return known;
    const index = this.#slots.size + 1;
    if (!writeSlot(this.#memory, index, { id, folder: '' })) return 0;
    this.#slots.set(id, index);
    return index;
  }
}
