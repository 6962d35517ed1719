import { closeSync, openSync, readSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** What a worker, or the server of the probes, wrote down; `ns` is CLOCK_MONOTONIC, the clock of process.hrtime.bigint(). */
export interface Stamp {
  readonly ns: bigint;
  readonly index: number;
  readonly kind: (typeof kinds)[number];
}

const bytes = 16;
const kinds = ['started', 'first line', 'last line', 'good answer', 'bad answer'] as const;

/** Reads the file that the workers of one run append to, as it grows. */
export class Stamps {
  readonly #path: string;
  readonly #all: Stamp[] = [];
  #offset = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** All so far, in the order in which they were written. */
  read(): readonly Stamp[] {
    let file: number;
    try {
      file = openSync(this.#path, 'r');
    } catch {
      return this.#all;
    }
    try {
      const chunk = Buffer.alloc(bytes * 4096);
      for (let length = readSync(file, chunk, 0, chunk.length, this.#offset); length >= bytes; length = readSync(file, chunk, 0, chunk.length, this.#offset)) {
        const whole = length - (length % bytes);
        for (let at = 0; at < whole; at += bytes)
          this.#all.push({ ns: chunk.readBigUInt64LE(at), index: chunk.readUInt32LE(at + 8), kind: kinds[chunk.readUInt32LE(at + 12)] ?? 'started' });
        this.#offset += whole;
      }
    } finally {
      closeSync(file);
    }
    return this.#all;
  }

  /** Looks every `everyMs` until `is` answers; `null` when it has not after `deadlineMs`, or when `giveUp` says that it never will. */
  async until<X>(is: (all: readonly Stamp[]) => X | null, deadlineMs: number, { everyMs = 5, giveUp = () => false }: Look = {}): Promise<X | null> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const isOver = giveUp() || performance.now() > end;
      const found = is(this.read());
      if (found !== null) return found;
      if (isOver) return null;
      await pause(everyMs);
    }
  }
}

interface Look {
  readonly everyMs?: number;
  readonly giveUp?: () => boolean;
}

/** When the last of `n` different workers started for the first time; `null` while one is missing. */
export function lastStart(all: readonly Stamp[], n: number): bigint | null {
  if (all.length < n) return null;
  const first = new Map<number, bigint>();
  for (const { index, ns, kind } of all) if (kind === 'started' && !first.has(index)) first.set(index, ns);
  if (first.size < n) return null;
  let last = 0n;
  for (const ns of first.values()) if (ns > last) last = ns;
  return last;
}

export const starts = (all: readonly Stamp[]): number => all.filter(({ kind }) => kind === 'started').length;

/** From `from` to `to`, both ns, in ms. */
export const msBetween = (from: bigint, to: bigint): number => Number(to - from) / 1e6;
