const minMs = 1000;
const maxMs = 30_000;

/** How soon it is looked whether what could not be stopped runs on: what does is stopped again at once. */
export class StopPace {
  /** In a row, of the present instance. */
  #failed = 0;

  /** A stop is asked for; as long as nothing else is said, it failed. */
  asked(): void {
    this.#failed += 1;
  }
  /** It was stopped, or another one is there. */
  begin(): void {
    this.#failed = 0;
  }

  /** After the first at once: an answer may get lost. */
  get pauseMs(): number {
    return this.#failed <= 1 ? 0 : Math.min(maxMs, minMs * 2 ** (this.#failed - 2));
  }
}
