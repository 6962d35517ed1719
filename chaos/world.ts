import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, nowMs } from './process.ts';

const workerName = 'chaos-worker';

/** One life of a worker, by its own records and by what the kernel says of its pid. Times are of CLOCK_MONOTONIC, in ms. */
export interface Instance {
  readonly index: number;
  readonly pid: number;
  readonly variant: number;
  readonly startMs: number;
  /** When the kernel made it, which is what its agent goes by; up to 10 ms early, and on a busy machine long before its first instruction. */
  readonly forkedMs: number;
  readyMs: number | null;
  /** When it got SIGTERM first. */
  toldMs: number | null;
  /** When and with which code it ended by itself. */
  left: { readonly atMs: number; readonly code: number } | null;
  /** It died after this moment … */
  aliveMs: number;
  /** … and before this one; `null`: it lives. */
  deadMs: number | null;
}

const bytes = 32;
const kinds = ['started', 'second', 'ready', 'told', 'leaves'] as const;

/** All that can be known of the workers without asking anybody: what they wrote down, and whether they live. */
export class World {
  readonly instances: Instance[] = [];
  /** Starts that found the lock of their worker taken. */
  readonly seconds: { readonly index: number; readonly pid: number; readonly atMs: number }[] = [];
  readonly #path: string;
  readonly #latest = new Map<number, Instance>();
  readonly #byWorker = new Map<number, Instance[]>();
  #offset = 0;

  constructor(place: string) {
    this.#path = join(place, 'records');
  }

  /** The lives of one worker, the first one first. */
  of(index: number): readonly Instance[] {
    return this.#byWorker.get(index) ?? [];
  }

  live(index: number): Instance | null {
    return this.of(index).findLast(({ deadMs }) => deadMs === null) ?? null;
  }

  /** Records first, pids after: whoever wrote a start and is not there has died. */
  look(): void {
    this.#read();
    for (const instance of this.#latest.values()) {
      if (instance.deadMs !== null) continue;
      const beforeMs = nowMs();
      if (isAlive(instance.pid, workerName)) instance.aliveMs = beforeMs;
      else instance.deadMs = nowMs();
    }
  }

  #read(): void {
    let file: number;
    try {
      file = openSync(this.#path, 'r');
    } catch {
      return;
    }
    try {
      const chunk = Buffer.alloc(bytes * 1024);
      for (let length = readSync(file, chunk, 0, chunk.length, this.#offset); length >= bytes; length = readSync(file, chunk, 0, chunk.length, this.#offset)) {
        const whole = length - (length % bytes);
        for (let at = 0; at < whole; at += bytes) this.#take(chunk.subarray(at, at + bytes));
        this.#offset += whole;
      }
    } finally {
      closeSync(file);
    }
  }

  #take(record: Buffer): void {
    const atMs = Number(record.readBigUInt64LE(0)) / 1e6;
    const index = record.readUInt32LE(8);
    const kind = kinds[record.readUInt32LE(12)];
    const pid = record.readUInt32LE(16);
    const value = record.readInt32LE(20);
    const forkedMs = Number(record.readBigUInt64LE(24)) / 1e6;
    if (kind === 'second') {
      this.seconds.push({ index, pid, atMs });
      return;
    }
    const latest = this.#latest.get(index);
    if (kind === 'started') {
      // Its lock was free: the one before is dead, seen or not.
      if (latest !== undefined && latest.deadMs === null) latest.deadMs = atMs;
      const fresh: Instance = { index, pid, variant: value, startMs: atMs, forkedMs, readyMs: null, toldMs: null, left: null, aliveMs: atMs, deadMs: null };
      this.#latest.set(index, fresh);
      this.instances.push(fresh);
      const own = this.#byWorker.get(index);
      if (own === undefined) this.#byWorker.set(index, [fresh]);
      else own.push(fresh);
      return;
    }
    if (latest?.pid !== pid) return;
    if (kind === 'ready') latest.readyMs = atMs;
    if (kind === 'told') latest.toldMs ??= atMs;
    if (kind === 'leaves') latest.left = { atMs, code: value };
  }
}
