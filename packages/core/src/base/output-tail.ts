/** Keeps the last bytes of a stream, for an error message or for `why`. */
export class OutputTail {
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #dropped = 0;

  constructor(maxBytes = 16 * 1024) {
    this.#maxBytes = maxBytes;
  }

  push(bytes: Uint8Array): void {
    // A copy: the caller may use its buffer again.
    const end = bytes.slice(Math.max(0, bytes.length - this.#maxBytes));
    this.#dropped += bytes.length - end.length;
    this.#chunks.push(end);
    this.#bytes += end.length;
    while (this.#bytes > this.#maxBytes) {
      const first = this.#chunks[0]!;
      const over = Math.min(this.#bytes - this.#maxBytes, first.length);
      if (over === first.length) this.#chunks.shift();
      else this.#chunks[0] = first.subarray(over);
      this.#bytes -= over;
      this.#dropped += over;
    }
    if (this.#chunks.length > 256) this.#chunks = [Buffer.concat(this.#chunks)];
  }

  /** What is kept, as text; begins with `… ` when something before it was dropped. */
  text(): string {
    const text = Buffer.concat(this.#chunks).toString('utf8').trimEnd();
    return this.#dropped > 0 ? `… ${text}` : text;
  }

  get isEmpty(): boolean {
    return this.#bytes === 0;
  }
}
