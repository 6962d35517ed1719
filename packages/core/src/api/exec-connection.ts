import { once } from 'node:events';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ExecSession } from '@ostler/sdk';
import { z } from 'zod';
import type { CoreClock } from '../base/clock.ts';
import { encodeFrame, encodeFrames, type Frame, FrameReader, type FrameType, frameTypes } from './exec-frames.ts';
import { agentEnds, type Problems, Refused } from './problems.ts';

interface Given {
  readonly problems: Problems;
  readonly clock: CoreClock;
  readonly ended: AbortSignal;
}

/** How long a client may keep a connection that was ended. */
const lingerMs = 5000;
/** At the end of the agent. */
const lastWordMs = 500;
/** While input is not read nobody would notice that the client has gone; an empty frame notices. */
const lookMs = 5000;

const sizeFrame = z.object({ columns: z.int().min(1).max(10_000), rows: z.int().min(1).max(10_000) });

/** One upgraded connection: refused in HTTP, or a session whose streams go over it as frames. */
export class ExecConnection {
  /** Aborts when the client goes, breaks the form, or the agent ends: the command ends too. */
  readonly signal: AbortSignal;
  readonly #socket: Socket;
  readonly #given: Given;
  readonly #over = new AbortController();
  readonly #frames = new FrameReader();
  readonly #session = Promise.withResolvers<ExecSession>();
  #isUpgraded = false;
  #isEnded = false;
  /** Frames are taken one after the other, each when the command took the one before. */
  #order: Promise<unknown> = this.#session.promise;

  constructor(socket: Socket, head: Buffer, given: Given) {
    this.#socket = socket;
    this.#given = given;
    this.signal = AbortSignal.any([this.#over.signal, given.ended]);
    socket.on('error', () => socket.destroy());
    // A half-open connection only ends: its client has gone all the same, for the end of its input is a frame.
    for (const event of ['end', 'close'])
      socket.once(event, () => {
        this.#over.abort();
        this.#end('');
      });
    given.ended.addEventListener('abort', this.#agentEnds, { once: true });
    socket.once('close', () => given.ended.removeEventListener('abort', this.#agentEnds));
    socket.on('data', this.#take);
    if (head.length > 0) this.#take(head);
  }

  /** Takes the upgrade and carries the session to its end. */
  async carry(session: ExecSession): Promise<void> {
    const stdin = session.stdin.getWriter();
    // Input that nobody takes is the command's affair.
    stdin.closed.catch(() => {});
    const endInput = (): void => void stdin.close().catch(() => {});
    if (this.signal.aborted) endInput();
    else this.signal.addEventListener('abort', endInput, { once: true });
    this.#isUpgraded = true;
    if (!this.#isEnded) this.#socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ostler-exec/1\r\n\r\n');
    this.#onFrame = (frame) => input(frame, session, stdin);
    this.#session.resolve(session);
    try {
      const outputs = [this.#send(session.stdout, frameTypes.stdout), this.#send(session.stderr, frameTypes.stderr)];
      const [code] = await Promise.all([session.exit, ...outputs]);
      this.#end(encodeFrame(frameTypes.exit, JSON.stringify({ code })));
    } catch (error) {
      // Output that is cut short must not look like all of it.
      this.refuse(error);
    }
  }

  /** Says what is wrong, as an answer or, once upgraded, as a frame, and ends. */
  refuse(error: unknown): void {
    if (this.#isEnded || this.#socket.destroyed) return;
    const { status, body } = this.#given.problems.answer(error);
    const text = JSON.stringify(body);
    if (this.#isUpgraded) this.#end(encodeFrame(frameTypes.error, text));
    else {
      const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}`;
      this.#end(`${head}\r\nConnection: close\r\n\r\n${text}`);
    }
    this.#over.abort();
  }

  #onFrame: (frame: Frame) => Promise<void> = async () => {};
  readonly #agentEnds = (): void => {
    this.refuse(agentEnds());
    // A client that does not read holds nobody up.
    this.#given.clock.after(lastWordMs, () => this.#socket.destroy());
  };

  readonly #take = (bytes: Buffer): void => {
    if (this.#isEnded) return;
    this.#socket.pause();
    const stop = this.#look();
    this.#order = this.#order
      .then(async () => {
        for (const frame of this.#frames.push(bytes)) await this.#onFrame(frame);
      })
      .catch((error: unknown) => this.refuse(error instanceof RangeError ? new Refused(400, error.message) : error))
      .finally(() => {
        stop();
        this.#socket.resume();
      });
  };

  #look(): () => void {
    const look = (): void => {
      if (this.#isUpgraded && !this.#isEnded && !this.#socket.writableNeedDrain) this.#socket.write(encodeFrame(frameTypes.stdout));
      cancel = this.#given.clock.after(lookMs, look);
    };
    let cancel = this.#given.clock.after(lookMs, look);
    return () => cancel();
  }

  /** At the client's pace; what comes when it has gone is read and dropped, so that the command can end in its own way. */
  async #send(stream: ReadableStream<Uint8Array>, type: FrameType): Promise<void> {
    for await (const bytes of stream)
      for (const frame of encodeFrames(type, bytes)) {
        if (this.signal.aborted || this.#isEnded) break;
        if (!this.#socket.write(frame)) await once(this.#socket, 'drain', { signal: this.signal }).catch(() => {});
      }
  }

  #end(last: Buffer | string): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    // What still comes is passed over, so that the end is seen.
    this.#socket.resume();
    this.#socket.end(last, () => {
      const cancel = this.#given.clock.after(lingerMs, () => this.#socket.destroy());
      this.#socket.once('close', cancel);
    });
  }
}

async function input({ type, payload }: Frame, session: ExecSession, stdin: WritableStreamDefaultWriter<Uint8Array>): Promise<void> {
  if (type === frameTypes.stdin) await stdin.write(payload).catch(() => {});
  else if (type === frameTypes.stdinEnd) await stdin.close().catch(() => {});
  else if (type === frameTypes.resize) {
    const { columns, rows } = sizeOf(payload);
    await session.resize(columns, rows).catch(() => {});
  } else throw new Refused(400, `a frame of type ${type} came; a client sends 0 (input), 4 (size) and 6 (end of input)`);
}

function sizeOf(payload: Uint8Array): z.output<typeof sizeFrame> {
  try {
    return sizeFrame.parse(JSON.parse(Buffer.from(payload).toString()));
  } catch {
    throw new Refused(400, 'a frame of a terminal’s size holds `{"columns": 80, "rows": 24}`');
  }
}
