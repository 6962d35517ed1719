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
  /** On a part of what it printed, the pattern takes too long: `passed` over, or it is not tried any more. */
  readonly slow: 'no' | 'passed' | 'given up';
}

/** Read in one go, so that one that prints without end holds nobody up. */
const maxRoundBytes = 8 * 2 ** 20;
/** Looked at in one go. */
const maxPieceBytes = 128 * 1024;
/** A pattern that took too long on so many parts is not tried any more: each costs the host a second. */
const maxPassedOver = 3;

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
  /** The pattern took long once: it is looked for record by record and with more time, so that one line alone is lost where it does so again. */
  #isCareful = false;
  #passedOver = 0;

  /** `wasFound`: by an agent before this one. What it read may have been rotated away since. */
  constructor(ask: AskLogs, wasFound: boolean, matcher: Matcher, clock: CoreClock) {
    this.#ask = ask;
    this.#found = wasFound ? 'before' : false;
    this.#matcher = matcher;
    this.#clock = clock;
  }

  /** `stream`: `null` = both. Reads on from where it was before. */
  async seek(pattern: string, stream: Stream | null, call: Call): Promise<Sought> {
    const isDone = this.#found !== false || this.#passedOver === maxPassedOver;
    const isBehind = !isDone && (await this.#readOn(pattern, stream, call));
    const slow = this.#passedOver === maxPassedOver ? 'given up' : this.#passedOver > 0 ? 'passed' : 'no';
    return { isFound: this.#found, hasPrinted: this.#hasPrinted, hasGap: this.#hasGap, isBehind, slow };
  }

  /** True = there is more. */
  async #readOn(pattern: string, stream: Stream | null, call: Call): Promise<boolean> {
    const halfMs = this.#clock.nowMs() + (call.deadlineMs - this.#clock.nowMs()) / 2;
    let bytes = 0;
    let batch: Batch = { records: [], bytes: 0, cursor: this.#cursor };
    /** False = that was enough for this time. */
    const look = async (): Promise<boolean> => {
      const { records, cursor } = batch;
      const rests = { ...this.#rests };
      bytes += batch.bytes;
      batch = { records: [], bytes: 0, cursor };
      let isLast = false;
      for (const one of ['stdout', 'stderr'] as const) {
        if (stream !== null && stream !== one) continue;
        const parts = records.filter((record) => record.stream === one).map((record) => record.bytes);
        const end = await this.#look(pattern, one, parts.length === 1 ? parts[0]! : Buffer.concat(parts), rests, call);
        if (end === 'again') return false;
        isLast ||= end === 'passed';
      }
      this.#rests = rests;
      this.#cursor = cursor;
      // What is passed over is read without a pause: others have their turn too.
      await this.#clock.turn();
      call.signal.throwIfAborted();
      return !isLast;
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
    await look();
    return false;
  }

  /** `again`: it has to be looked at again; `passed`: a part of it was passed over. */
  async #look(pattern: string, stream: Stream, bytes: Uint8Array, rests: Record<Stream, Rest>, call: Call): Promise<'again' | 'passed' | 'done'> {
    this.#hasPrinted ||= bytes.length > 0;
    for (let from = 0; from < bytes.length && this.#found === false; from += maxPieceBytes) {
      call.progress('the pattern is still looked for');
      const piece = bytes.slice(from, from + maxPieceBytes);
      const lane = this.#isCareful ? this.#matcher.slow : this.#matcher.quick;
      const answer = await lane.find({ pattern, rest: rests[stream], bytes: piece }, call.signal);
      if (answer === null && !this.#isCareful) {
        this.#isCareful = true;
        return 'again';
      }
      if (answer === null) {
        this.#passedOver++;
        // A line in the midst of which it was given up has no beginning any more.
        rests[stream] = { bytes: noRest.bytes, isFull: true };
        return 'passed';
      }
      rests[stream] = answer.rest;
      this.#found ||= answer.isFound;
    }
    return 'done';
  }
}

/** What was read and not looked at yet. */
interface Batch {
  readonly records: { readonly stream: Stream; readonly bytes: Uint8Array }[];
  readonly bytes: number;
  /** Of the last record. */
  readonly cursor: string | null;
}
