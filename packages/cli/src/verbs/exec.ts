import type { Duplex, Readable } from 'node:stream';
import type { ReadStream } from 'node:tty';
import { isWireProblem } from '../client/call.ts';
import { connect } from '../client/client.ts';
import { encodeFrame, frame, readFrames } from '../client/frames.ts';
import { Failure } from '../failure.ts';
import { sayFailure, write } from '../print.ts';
import { socketOf } from '../socket.ts';
import type { CommonOptions } from '../verb.ts';

interface ExecOptions extends CommonOptions {
  /** False with `--no-tty`. */
  readonly tty?: boolean | undefined;
  readonly user?: string | undefined;
}

/** What the command ends with when it is not the child's own code. */
const ours = 125;

export async function run(options: ExecOptions, [worker, ...argv]: string[]): Promise<number> {
  const command = argv[0] === '--' ? argv.slice(1) : argv;
  const tty = options.tty !== false && process.stdin.isTTY === true && process.stdout.isTTY === true;
  try {
    const { connection, head } = await connect(socketOf(options)).exec(worker!, command, { tty, user: options.user });
    return await talk(connection, head, tty);
  } catch (error) {
    sayFailure(error, options);
    return ours;
  }
}

async function talk(connection: Duplex, head: Buffer, tty: boolean): Promise<number> {
  if (head.length > 0) connection.unshift(head);
  // Said by the loop that reads.
  connection.on('error', () => {});
  const endTerminal = tty ? ownTerminal(connection, process.stdin) : () => {};
  const endInput = passOn(process.stdin, connection);
  try {
    for await (const { type, payload } of readFrames(connection)) {
      if (type === frame.stdout) await write(payload);
      else if (type === frame.stderr) process.stderr.write(payload);
      else if (type === frame.exit) return exitCodeOf(JSON.parse(payload.toString()));
      else if (type === frame.error) throw problemFrame(JSON.parse(payload.toString()));
    }
    throw new Error('the connection ended');
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure({ code: 'no-agent', message: `the agent went away before the command ended (${(error as Error).message}): how it ended is not known` });
  } finally {
    endInput();
    endTerminal();
    connection.destroy();
  }
}

function exitCodeOf(said: unknown): number {
  const { code } = said as { readonly code?: unknown };
  if (typeof code === 'number') return code;
  throw new Failure({ code: 'internal', message: 'the command ended, but nobody knows how' });
}

const problemFrame = (said: unknown): Failure =>
  isWireProblem(said) ? new Failure(said) : new Failure({ code: 'internal', message: 'the agent could not run the command and did not say why' });

/** Input as frames, no faster than they are taken. Answers how to stop. */
function passOn(input: Readable, connection: Duplex): () => void {
  const send = (bytes: Buffer): void => {
    if (!connection.writable) return;
    if (!connection.write(encodeFrame(frame.stdin, bytes))) input.pause();
  };
  const drained = (): void => void input.resume();
  const end = (): void => {
    if (connection.writable) connection.write(encodeFrame(frame.stdinEnd));
  };
  input.on('data', send).once('end', end).once('error', end);
  connection.on('drain', drained);
  return () => {
    input.off('data', send).off('end', end).off('error', end);
    connection.off('drain', drained);
    input.pause();
  };
}

/** Keys go to the child as they are, Ctrl-C too; it is told the size, now and when it changes. Answers how to give the terminal back. */
function ownTerminal(connection: Duplex, input: ReadStream): () => void {
  const resize = (): void => {
    const { columns, rows } = process.stdout;
    if (connection.writable && columns > 0 && rows > 0) connection.write(encodeFrame(frame.resize, JSON.stringify({ columns, rows })));
  };
  input.setRawMode(true);
  process.stdout.on('resize', resize);
  resize();
  return () => {
    process.stdout.off('resize', resize);
    input.setRawMode(false);
  };
}
