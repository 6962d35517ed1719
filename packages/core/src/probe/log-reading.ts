import type { Call, LogFrom, LogRecord } from '@ostler/sdk';
import type { CoreClock } from '../base/clock.ts';
import { noRest, type Rest } from './match.ts';
import type { Matcher } from './matcher.ts';

/** Asks the runtime for what the instance that is probed printed; ends with what there is. */
export type AskLogs = (from: LogFrom, call: Call) => AsyncIterable<LogRecord>;

type Stream = 'stdout' | 'stderr';

export interface Sought {
  /** `before`: an agent before this one found it. */
  readonly isFound: boolean | 'before';
  readonly hasPrinted: boolean;
  /** A part of what it printed was gone before it could be read. */
  readonly hasGap: boolean;
  /** There is more than could be read in one go. */
  readonly isBehind: boolean;
  /** On a part of what it printed, the pattern takes too long: it is tried again, and then passed over. */
  readonly isSlow: boolean;
}

/** Read in one go, so that one that prints without end holds nobody up. */
const maxRoundBytes = 8 * 2 ** 20;
/** Looked at in one go. */
const maxPieceBytes = 128 * 1024;

/** Reads what one instance prints, from its start and only once, until a line matches; what was found stays found. */
export class LogReading {
  readonly #ask: AskLogs;
  readonly #matcher: Matcher;
  readonly #clock: CoreClock;
  #found: Sought['isFound'];
  #cursor: string | null = null;
  #rests: Record<Stream, Rest> = { stdout: noRest, stderr: noRest };
  #hasPrinted = false;
  #hasGap = false;
  /** The pattern took too long: it is tried again record by record, for the host may have been too busy, and only where it does so again is one lost. */
  #isCareful = false;
  #hasPassedOver = false;

  /** `wasFound`: by an agent before this one. What it read may have been rotated away since. */
  constructor(ask: AskLogs, wasFound: boolean, matcher: Matcher, clock: CoreClock) {
    this.#ask = ask;
    this.#found = wasFound ? 'before' : false;
    this.#matcher = matcher;
    this.#clock = clock;
  }

  /** `stream`: `null` = both. Reads on from where it was before. */
  async seek(pattern: string, stream: Stream | null, call: Call): Promise<Sought> {
    const isBehind = this.#found === false && (await this.#readOn(pattern, stream, call));
    return { isFound: this.#found, hasPrinted: this.#hasPrinted, hasGap: this.#hasGap, isBehind, isSlow: this.#isCareful || this.#hasPassedOver };
  }

  /** True = there is more. */
  async #readOn(pattern: string, stream: Stream | null, call: Call): Promise<boolean> {
    const halfMs = this.#clock.nowMs() + (call.deadlineMs - this.#clock.nowMs()) / 2;
    let bytes = 0;
    let batch: Batch = { records: [], bytes: 0, cursor: this.#cursor };
    /** False = it has to be tried again. */
    const look = async (): Promise<boolean> => {
      const { records, cursor } = batch;
      const rests = { ...this.#rests };
      bytes += batch.bytes;
      batch = { records: [], bytes: 0, cursor };
      for (const one of ['stdout', 'stderr'] as const) {
        if (stream !== null && stream !== one) continue;
        const parts = records.filter((record) => record.stream === one).map((record) => record.bytes);
        if (!(await this.#look(pattern, one, parts.length === 1 ? parts[0]! : Buffer.concat(parts), rests, call))) return false;
      }
      this.#rests = rests;
      this.#cursor = cursor;
      // What is passed over is read without a pause: others have their turn too.
      await this.#clock.turn();
      call.signal.throwIfAborted();
      return true;
    };
    for await (const record of this.#ask(this.#cursor === null ? 'start' : { after: this.#cursor }, call)) {
      call.signal.throwIfAborted();
      // Sent twice at the seam.
      if (record.cursor === batch.cursor) continue;
      if ('gap' in record) {
        if (!(await look())) return false;
        this.#hasGap = true;
        this.#rests = { stdout: noRest, stderr: noRest };
      } else batch = { ...batch, bytes: batch.bytes + record.bytes.length };
      if ('bytes' in record) batch.records.push(record);
      batch = { ...batch, cursor: record.cursor };
      if (batch.bytes >= (this.#isCareful ? 1 : maxPieceBytes) && !(await look())) return false;
      if (this.#found !== false) return false;
      if (bytes > maxRoundBytes || this.#clock.nowMs() > halfMs) {
        await look();
        return true;
      }
    }
    if (await look()) this.#isCareful = false;
    return false;
  }

  async #look(pattern: string, stream: Stream, bytes: Uint8Array, rests: Record<Stream, Rest>, call: Call): Promise<boolean> {
    this.#hasPrinted ||= bytes.length > 0;
    for (let from = 0; from < bytes.length && this.#found === false; from += maxPieceBytes) {
      const piece = bytes.slice(from, from + maxPieceBytes);
      const answer = await this.#matcher.find({ pattern, rest: rests[stream], bytes: piece }, call.signal);
      call.signal.throwIfAborted();
      if (answer === null) {
        this.#isCareful = !this.#isCareful;
        if (this.#isCareful) return false;
        this.#hasPassedOver = true;
      }
      // A line in the midst of which it was given up has no beginning any more.
      rests[stream] = answer?.rest ?? { bytes: noRest.bytes, isFull: true };
      this.#found ||= answer?.isFound ?? false;
    }
    return true;
  }
}

/** What was read and not looked at yet. */
interface Batch {
  readonly records: { readonly stream: Stream; readonly bytes: Uint8Array }[];
  readonly bytes: number;
  /** Of the last record. */
  readonly cursor: string | null;
}
