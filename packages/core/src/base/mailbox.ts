/** Runs what is posted one after another, in order. An error is its poster's alone: the next one runs. */
export class Mailbox {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Settles as `run` does. */
  post<T>(run: () => T | Promise<T>): Promise<T> {
    this.#waiting++;
    const done = this.#last.then(run).finally(() => {
      this.#waiting--;
    });
    this.#last = done.catch(() => {});
    return done;
  }

  /** Posted and not settled yet, the one that runs included. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Resolves when all that was posted until now has settled. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
