import { type FSWatcher, watch } from 'node:fs';
import { type Call, type LogFrom, type LogRecord, runtimeFailure } from '@ostler/sdk';
import { type InstanceDirectory, readExit } from '../instance/directory.ts';
import { isHeld } from '../instance/lifeline.ts';
import { formatCursor, parseCursor } from './cursor.ts';
import { framedSource } from './framed-source.ts';
import { rawSource } from './raw-source.ts';
import { trimSegments } from './segment.ts';
import { beginning, type LogSource, type Position } from './source.ts';

/** While something is awaited that rings no bell: the rest of a line, the end of a drainer. */
const soonMs = 50;
const lineMs = 250;
/** Otherwise. Who writes is on this host, so Linux tells of it on network disks too (inotify(7)); macOS gathers its events. */
const restMs = process.platform === 'linux' ? 60_000 : 1000;
/** Rounds without news after which an unfinished line (a prompt) is given as it stands. */
const patience = 4;

/** What a reader has to know of the worker. */
export interface LogLife {
  isRunning(): boolean;
  /** Calls when it may have ended without a trace in its directory. The returned function lets go. */
  onChange(listener: () => void): () => void;
}

/**
 * The records of an instance. Raw segments keep no time: `at` is `null`, `since` begins with the first segment last written after it, `tailLines`
 * counts for each stream, and between the streams the order is only that of reading. With `follow` it ends when the worker has ended and all it
 * wrote was given, or quietly on abort.
 */
export async function* readLogs(instance: InstanceDirectory, from: LogFrom, follow: boolean, life: LogLife, call: Call): AsyncGenerator<LogRecord> {
  const { isRunning } = life;
  const { path, spec } = instance;
  const sources = spec.segments === 'framed' ? [framedSource(path)] : [rawSource(path, 'out', spec.segmentBytes), rawSource(path, 'err', spec.segmentBytes)];
  const bell = new Bell(call.signal);
  if (follow) bell.hang(path);
  const deafen = life.onChange(() => bell.ring());
  const isDraining = () => isHeld(`${path}/draining`);
  try {
    // A compiled holder tells of the end when the worker's last byte is in its segment; others may still be at it.
    const isWritten = () => spec.holder === 'compiled' && readExit(path) !== null;
    for (let round = 0; !follow && round < 25 && !isWritten() && !isRunning() && isDraining(); round++) await bell.wait(Math.min(50, 2 ** round));
    const places = startPlaces(sources, from);
    for (let quiet = 0; ; ) {
      if (spec.segments === 'raw') trimSegments(path, spec.segmentFiles);
      // Asked before reading: what was written before the end is then surely read after it.
      const isEnding = !isRunning();
      const hasEnded = isEnding && !isDraining();
      let isNew = false;
      for (const source of sources) {
        for (;;) {
          if (call.signal.aborted) {
            if (follow) return;
            throw runtimeFailure({ code: 'aborted', outcome: 'no', retryable: true, message: `reading the logs of ${spec.ref.worker} was stopped half-way` });
          }
          const piece = source.read(places.get(source.prefix) ?? beginning, { hasEnded, isPatient: follow && !hasEnded && quiet < patience });
          if (piece === null) break;
          isNew = true;
          places.set(source.prefix, piece.next);
          const head = { cursor: formatCursor(places), at: piece.at };
          yield 'gap' in piece ? { ...head, gap: piece.gap } : { ...head, stream: piece.stream, bytes: new Uint8Array(piece.bytes) };
        }
      }
      if (hasEnded || !follow) return;
      quiet = isNew ? 0 : quiet + 1;
      const isLinePending = spec.segments === 'raw' && quiet < patience;
      await bell.wait(isEnding ? soonMs : isLinePending || !bell.isHung ? lineMs : restMs);
    }
  } finally {
    deafen();
    bell.close();
  }
}

function startPlaces(sources: readonly LogSource[], from: LogFrom): Map<string, Position> {
  if (from === 'start') return new Map(sources.map((source) => [source.prefix, beginning]));
  if ('after' in from)
    return new Map(
      parseCursor(
        from.after,
        sources.map((source) => source.prefix),
      ),
    );
  if ('tailLines' in from) return new Map(sources.map((source) => [source.prefix, source.tail(from.tailLines)]));
  return new Map(sources.map((source) => [source.prefix, source.since(Date.parse(from.since))]));
}

/** Rings when the directory changes, and after a while anyhow: events may be missed on network disks and are coarse on macOS. */
class Bell {
  #watcher: FSWatcher | null = null;
  readonly #signal: AbortSignal;
  #hasRung = false;
  #wake: (() => void) | null = null;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.ring);
  }

  /** Before the first look at what it is to ring for. */
  hang(dir: string): void {
    try {
      this.#watcher = watch(dir, this.ring);
      this.#watcher.on('error', this.ring);
    } catch {
      this.#watcher = null;
    }
  }

  /** False = nothing rings, so one has to look. */
  get isHung(): boolean {
    return this.#watcher !== null;
  }

  readonly ring = (): void => {
    this.#hasRung = true;
    this.#wake?.();
  };

  async wait(ms: number): Promise<void> {
    if (!this.#hasRung && !this.#signal.aborted)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    this.#hasRung = false;
    this.#wake = null;
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.ring);
    this.#watcher?.close();
  }
}
