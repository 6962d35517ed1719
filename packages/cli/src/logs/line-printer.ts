import type { LogLine } from '@ostler/core';
import { sayRecord, write } from '../print.ts';
import { colourAt, type Paint, paintFor } from '../table/colour.ts';
import type { Output } from './background-output.ts';

export interface LogStyle {
  readonly timestamps: boolean;
  /** The records themselves, a line each. */
  readonly json: boolean;
  /** The worker's name before each line. */
  readonly isPrefixed: boolean;
}

interface Begun {
  readonly bytes: Buffer;
  readonly at: string | null;
  readonly worker: string;
}

/** A line that never ends is broken here. */
const longestLineBytes = 64 * 1024;
const newline = 10;

/** Prints log records: bytes as they are for one worker alone, whole lines with their worker's name for several. */
export class LinePrinter {
  readonly #style: LogStyle;
  readonly #output: Output;
  readonly #paint: Paint;
  readonly #begun = new Map<string, Begun>();
  readonly #colours = new Map<string, number>();
  #nameWidth: number;
  #hasFailed = false;

  /** `output`: stdout, unless given. */
  constructor(style: LogStyle, workers: readonly string[], output: Output = write) {
    this.#style = style;
    this.#output = output;
    this.#paint = paintFor(process.stdout);
    this.#nameWidth = Math.max(0, ...workers.map((name) => name.length));
    for (const name of workers) this.#colours.set(name, this.#colours.size);
  }

  /** A log could not be read to its end. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  async print(line: LogLine): Promise<void> {
    if (line.type === 'problem') this.#hasFailed = true;
    if (this.#style.json) return sayRecord(line);
    if (line.type !== 'log') {
      const text = textOf(line);
      if (text !== null) process.stderr.write(`${this.#style.isPrefixed ? `${line.worker} | ` : ''}${text}\n`);
      return;
    }
    const bytes = Buffer.from(line.data ?? '', 'base64');
    if (this.#style.isPrefixed || this.#style.timestamps) await this.#printLines(line, bytes);
    else await this.#output(bytes);
  }

  /** Prints what has no end yet. */
  async end(): Promise<void> {
    for (const begun of this.#begun.values()) await this.#output(this.#whole(begun, Buffer.from([newline])));
    this.#begun.clear();
  }

  async #printLines({ worker, instance, stream, at }: LogLine, bytes: Buffer): Promise<void> {
    const key = `${worker}/${instance}/${stream}`;
    let begun = this.#begun.get(key) ?? null;
    const whole: Buffer[] = [];
    let from = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, from)) {
      whole.push(this.#whole(begun ?? { bytes: Buffer.alloc(0), at, worker }, bytes.subarray(from, end + 1)));
      begun = null;
      from = end + 1;
    }
    if (from < bytes.length) {
      const rest = bytes.subarray(from);
      begun = begun === null ? { bytes: rest, at, worker } : { ...begun, bytes: Buffer.concat([begun.bytes, rest]) };
    }
    if (begun !== null && begun.bytes.length > longestLineBytes) {
      whole.push(this.#whole(begun, Buffer.from([newline])));
      begun = null;
    }
    if (begun === null) this.#begun.delete(key);
    else this.#begun.set(key, begun);
    if (whole.length > 0) await this.#output(Buffer.concat(whole));
  }

  #whole({ bytes, at, worker }: Begun, rest: Buffer): Buffer {
    const time = this.#style.timestamps ? `${at ?? '-'} ` : '';
    return Buffer.concat([Buffer.from(`${this.#prefix(worker)}${time}`), bytes, rest]);
  }

  #prefix(worker: string): string {
    if (!this.#style.isPrefixed) return '';
    if (!this.#colours.has(worker)) this.#colours.set(worker, this.#colours.size);
    this.#nameWidth = Math.max(this.#nameWidth, worker.length);
    return this.#paint(`${worker.padEnd(this.#nameWidth)} | `, colourAt(this.#colours.get(worker)!));
  }
}

function textOf({ type, gap, message }: LogLine): string | null {
  if (type === 'gap') return gap === null ? '… bytes lost, nobody knows how many …' : `… ${gap} ${gap === 1 ? 'byte' : 'bytes'} lost …`;
  return message;
}
