import type { Call, LogFrom, LogRecord } from '@ostler/sdk';
import { isRuntimeFailure } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import type { ContainerJson } from '../engine/json.ts';
import { abortFailure, lossFailure } from '../errors.ts';
import type { Flavour } from '../flavour.ts';
import { demultiplexed, lines } from './frames.ts';
import { Counter, formatCursor, type Position, parseCursor } from './position.ts';
import { isLater, type Stamped, shifted, stamped, stampOf } from './stamp.ts';
import { TailWindow } from './tail-window.ts';

/** How far stamps may be out of order. */
const slackSeconds = 2;

interface Query {
  readonly follow?: boolean;
  readonly since?: string;
  readonly tail?: number;
}

/**
 * The records of a container, one for each message of the engine. A place in the log is a stamp and a count of equal ones: to go on after it, the
 * engine is asked from a little earlier, and what is known is passed over. What was rotated away before that place comes as a gap of unknown size.
 */
export class ContainerLog {
  readonly #engine: Connection;
  readonly #flavour: Flavour;
  readonly #found: ContainerJson;
  readonly #worker: string;
  readonly #call: Call;

  constructor(engine: Connection, flavour: Flavour, found: ContainerJson, worker: string, call: Call) {
    this.#engine = engine;
    this.#flavour = flavour;
    this.#found = found;
    this.#worker = worker;
    this.#call = call;
  }

  /** Ends with the worker, or quietly on abort, when `follow`; else with the last message there is, and an abort is thrown. */
  async *read(from: LogFrom, follow: boolean): AsyncGenerator<LogRecord> {
    try {
      yield* this.#read(from, follow);
    } catch (error) {
      if (follow && this.#call.signal.aborted) return;
      throw error;
    }
  }

  async *#read(from: LogFrom, follow: boolean): AsyncGenerator<LogRecord> {
    if (from === 'start') yield* this.#numbered({ follow });
    else if ('since' in from) yield* this.#numbered({ follow, since: stampOf(from.since) });
    else if ('after' in from) yield* this.#after(parseCursor(from.after), follow);
    else {
      const place = await this.#tail(from.tailLines);
      if (place !== null) yield* this.#after(place, follow);
      else if (follow) yield* this.#numbered({ follow });
    }
  }

  async *#numbered(query: Query): AsyncGenerator<LogRecord> {
    const counter = new Counter();
    for await (const message of this.#messages(query)) yield recordOf(message, counter.next(message.stamp));
  }

  /** What there is by now decides whether the place still exists; only then the rest is followed. */
  async *#after(place: Position, follow: boolean): AsyncGenerator<LogRecord> {
    let last = place;
    for await (const { record, position } of this.#beyond(place, false)) {
      last = position;
      yield record;
    }
    if (follow) for await (const { record } of this.#beyond(last, true)) yield record;
  }

  async *#beyond(place: Position, follow: boolean): AsyncGenerator<{ readonly record: LogRecord; readonly position: Position }> {
    const counter = new Counter();
    const undecided: { readonly record: LogRecord; readonly position: Position }[] = [];
    let isPassed = false;
    const latest = shifted(place.stamp, slackSeconds);
    const lost = function* () {
      yield { record: { cursor: formatCursor(place), at: null, gap: null }, position: place };
      yield* undecided.splice(0);
    };
    for await (const message of this.#messages({ follow, since: shifted(place.stamp, -slackSeconds) })) {
      const position = counter.next(message.stamp);
      const next = { record: recordOf(message, position), position };
      if (isPassed) yield next;
      else if (position.stamp === place.stamp && position.count >= place.count) {
        isPassed = true;
        undecided.length = 0;
        if (position.count > place.count) yield next;
      } else if (isLater(position.stamp, place.stamp)) {
        undecided.push(next);
        if (isLater(position.stamp, latest)) {
          isPassed = true;
          yield* lost();
        }
      }
    }
    if (!isPassed && undecided.length > 0) yield* lost();
  }

  /** The place before the last `wanted` lines; `null` = there is no message at all. An engine counts messages, and a line may be several. */
  async #tail(wanted: number): Promise<Position | null> {
    for (let asked = Math.max(1, wanted) + 1; ; ) {
      const window = new TailWindow(Math.max(0, wanted));
      // Podman 4.3 counts its messages otherwise from the end, and joins pieces of other lines there: it is read from its beginning.
      const isFromStart = this.#flavour === 'podman';
      for await (const message of this.#messages(isFromStart ? {} : { tail: asked })) window.take(message);
      const isWhole = isFromStart || window.messages < asked;
      const place = window.place(isWhole);
      if (place !== null) return isWhole ? place : this.#inWhole(place, window);
      if (isWhole) return null;
      asked += wanted + 16;
    }
  }

  /** A window may begin amid messages of one stamp: its counts are short by those before. */
  async #inWhole(place: Position, { first, ofFirst }: TailWindow): Promise<Position> {
    if (place.stamp !== first) return place;
    let all = 0;
    // From earlier: Podman leaves out what is of that very moment.
    for await (const { stamp } of this.#messages({ since: shifted(first, -slackSeconds) })) {
      if (stamp === first) all += 1;
      else if (isLater(stamp, shifted(first, slackSeconds))) break;
    }
    return { stamp: place.stamp, count: place.count + Math.max(0, all - ofFirst) };
  }

  async *#messages({ follow = false, since, tail }: Query): AsyncGenerator<Stamped> {
    const what = `read the logs of ${this.#worker}`;
    const asked = { what, isMutating: false };
    const { signal } = this.#call;
    const stream = await this.#engine.stream({
      path: `/containers/${this.#found.Id}/logs`,
      query: { stdout: true, stderr: true, timestamps: true, follow, since, tail: tail ?? 'all' },
      what,
      signal,
    });
    try {
      const frames = this.#found.Config.Tty === true ? lines(stream) : demultiplexed(stream);
      for await (const frame of frames) yield stamped(frame);
    } catch (error) {
      if (isRuntimeFailure(error)) throw error;
      if (signal.aborted) throw abortFailure(asked, true);
      throw lossFailure(error as NodeJS.ErrnoException, asked, this.#engine.endpoint);
    } finally {
      stream.destroy();
    }
  }
}

function recordOf({ stream, bytes, at }: Stamped, position: Position): LogRecord {
  return { cursor: formatCursor(position), at, stream, bytes: new Uint8Array(bytes) };
}
