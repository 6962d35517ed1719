/** A call that did not end although its signal fired; it may still act. */
export interface StuckCall {
  readonly name: string;
  /** Id of the plugin whose code waits, where there is one. */
  readonly plugin: string | null;
  /** RFC 3339. */
  readonly since: string;
}

/** The calls that outlived their signal, each until it settles: `doctor` names them. */
export class StuckCalls {
  readonly #calls = new Set<StuckCall>();

  /** Listed until `settled` settles. */
  add(call: StuckCall, settled: Promise<unknown>): void {
    this.#calls.add(call);
    const drop = (): void => {
      this.#calls.delete(call);
    };
    settled.then(drop, drop);
  }

  list(): readonly StuckCall[] {
    return [...this.#calls];
  }
}
