const dayMs = 86_400_000;
/** Clocks were never set back by more within the days of computers. */
const longestSetBackMs = 3 * 3_600_000;
/** Days whose offset is remembered, before all are forgotten. */
const mostDays = 2000;

/** When the clocks of a zone show a time. `never`: they were set forward over it, at the moment `after`. */
type Shown =
  | { readonly is: 'once'; readonly at: number }
  | { readonly is: 'twice'; readonly first: number; readonly second: number }
  | { readonly is: 'never'; readonly after: number };

const zones = new Map<string | null, Zone>();

/** One for all lines of a zone: what it asks of ICU is large. `null` = the host's. Throws a RangeError when there is no such zone. */
export function zoneOf(name: string | null): Zone {
  const zone = zones.get(name) ?? new Zone(name);
  zones.set(name, zone);
  return zone;
}

/**
 * The clocks of a time zone. What they show is told as the epoch ms at which clocks in UTC show the same (`wallMs`), so that it can be reckoned with.
 * The rules are those of ICU, by `Intl`.
 */
export class Zone {
  readonly #format: Intl.DateTimeFormat;
  readonly #days = new Map<number, number | null>();

  constructor(name: string | null) {
    const parts = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
    this.#format = new Intl.DateTimeFormat('en-US', { ...parts, hourCycle: 'h23', ...(name === null ? {} : { timeZone: name }) });
  }

  wallMs(ms: number): number {
    return ms + this.#offsetMs(ms);
  }

  shown(wallMs: number): Shown {
    const [before, after] = [this.#offsetMs(wallMs - dayMs), this.#offsetMs(wallMs + dayMs)];
    const [early, late] = [wallMs - Math.max(before, after), wallMs - Math.min(before, after)];
    const [isEarly, isLate] = [this.wallMs(early) === wallMs, this.wallMs(late) === wallMs];
    if (early === late || (isEarly && !isLate)) return { is: 'once', at: early };
    if (isEarly) return { is: 'twice', first: early, second: late };
    return isLate ? { is: 'once', at: late } : { is: 'never', after: this.#changeIn(early, late) };
  }

  /** The moment soon after this one at which the clocks are set back: times that have come by then come again. `null` = none. */
  setBackAfter(ms: number): number | null {
    const endMs = ms + longestSetBackMs;
    return this.#offsetMs(endMs) < this.#offsetMs(ms) ? this.#changeIn(ms, endMs) : null;
  }

  /** The first second of another offset, after `fromMs`, up to and with `toMs`. */
  #changeIn(fromMs: number, toMs: number): number {
    const offset = this.#offsetMs(fromMs);
    let [same, other] = [Math.floor(fromMs / 1000), Math.ceil(toMs / 1000)];
    while (other - same > 1) {
      const middle = Math.floor((same + other) / 2);
      if (this.#offsetMs(middle * 1000) === offset) same = middle;
      else other = middle;
    }
    return other * 1000;
  }

  /** A day that begins and ends with the same offset has no other: asked once for each. */
  #offsetMs(ms: number): number {
    const day = Math.floor(ms / dayMs);
    let known = this.#days.get(day);
    if (known === undefined) {
      const begin = this.#read(day * dayMs);
      known = begin === this.#read((day + 1) * dayMs) ? begin : null;
      if (this.#days.size >= mostDays) this.#days.clear();
      this.#days.set(day, known);
    }
    return known ?? this.#read(ms);
  }

  #read(ms: number): number {
    const second = Math.floor(ms / 1000) * 1000;
    const shown: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {};
    for (const { type, value } of this.#format.formatToParts(second)) shown[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second: seconds = 0 } = shown;
    return Date.UTC(year, month - 1, day, hour, minute, seconds) - second;
  }
}
