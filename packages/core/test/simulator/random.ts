/** Seeded chance: the same seed, the same story. Mulberry32. */
export class Random {
  /** So many times as often as usual comes what is rare. */
  readonly rarity: number;
  #state: number;

  constructor(seed: number, rarity = 1) {
    this.#state = seed >>> 0;
    this.rarity = rarity;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  /** In [0, below). */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  chance(part: number): boolean {
    return this.next() < part;
  }

  /** What a story seldom has. */
  rarely(part: number): boolean {
    return this.chance(part * this.rarity);
  }

  pick<X>(list: readonly X[]): X {
    const found = list[this.int(list.length)];
    if (found === undefined) throw new Error('nothing to pick from');
    return found;
  }
}
