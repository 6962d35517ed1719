import { type Duplex, PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call, ExecSession } from '@ostler/sdk';
import { isRuntimeFailure } from '@ostler/sdk';
import type { Ask, Connection } from '../engine/connection.ts';
import type { ContainerJson } from '../engine/json.ts';
import { refusal } from '../errors.ts';
import { demultiplexed } from '../log/frames.ts';
import { killTree } from './process-tree.ts';
import { isRunning } from './stop.ts';

interface ExecJson {
  readonly Running: boolean;
  readonly ExitCode: number | null;
  readonly Pid?: number;
}

/** How long an engine may take to tell of a command, and one that does not run to get its exit code. */
const settleMs = 5000;
/** One that still runs is asked for ever more slowly: at last each so often. */
const slowestMs = 5000;
const queuedBytes = 256 * 1024;

/** Runs a command in a running container. Its environment is the container's: secret variables are not in it. */
export async function execInside(
  engine: Connection,
  found: ContainerJson,
  worker: string,
  argv: readonly string[],
  io: { readonly tty: boolean; readonly user?: string | undefined },
  call: Call,
): Promise<ExecSession> {
  const notRunning = () => refusal('not-running', `${worker} is not running, so nothing can be run in it`);
  if (!isRunning(found)) throw notRunning();
  const what = `run a command in ${worker}`;
  const { value } = await engine
    .json<{ readonly Id: string }>({
      method: 'POST',
      path: `/containers/${found.Id}/exec`,
      body: { AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: io.tty, Cmd: argv, ...(io.user === undefined ? {} : { User: io.user }) },
      what,
      signal: call.signal,
    })
    .catch((error: unknown) => {
      throw isRuntimeFailure(error) && error.code === 'conflict' ? notRunning() : error;
    });
  const start: Ask = { method: 'POST', path: `/exec/${value.Id}/start`, body: { Detach: false, Tty: io.tty }, what, signal: call.signal };
  const socket = await engine.upgrade(start).catch((error: unknown) => {
    if (!call.signal.aborted) throw error;
    // It may run all the same: a session of which nothing is left but its end.
    return new PassThrough().destroy();
  });
  const onAbort = (): void => void socket.destroy();
  call.signal.addEventListener('abort', onAbort, { once: true });
  const { stdout, stderr, ended } = outputOf(socket, io.tty);
  const exit = ended.then(() => {
    call.signal.removeEventListener('abort', onAbort);
    return exitOf(engine, value.Id, found.Id, call.signal);
  });
  return {
    stdin: inputOf(socket),
    stdout,
    stderr,
    resize: async (columns, rows) => {
      const signal = AbortSignal.timeout(settleMs);
      await engine.json({
        method: 'POST',
        path: `/exec/${value.Id}/resize`,
        query: { w: columns, h: rows },
        what: `resize the terminal in ${worker}`,
        isRead: true,
        signal,
      });
    },
    exit,
  };
}

function inputOf(socket: Duplex): WritableStream<Uint8Array> {
  return new WritableStream({
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (error) => (error ? reject(error) : resolve()));
      }),
    // Half-closed: the command sees the end of its input, its output goes on.
    close: () => void socket.end(),
    abort: () => void socket.destroy(),
  });
}

/** Both outputs, each pulled; `ended` never rejects: what the end means is told by the engine. */
function outputOf(socket: Duplex, isTty: boolean) {
  const [out, err] = [output(), output()];
  const pump = async (): Promise<void> => {
    if (isTty) for await (const chunk of socket) await out.push(chunk as Buffer);
    else for await (const { stream, bytes } of demultiplexed(socket)) await (stream === 'stdout' ? out : err).push(bytes);
  };
  const ended = pump().then(
    () => {},
    () => {},
  );
  void ended.then(() => {
    out.close();
    err.close();
  });
  return { stdout: out.stream, stderr: err.stream, ended };
}

function output() {
  let wake = (): void => {};
  let isOpen = true;
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>(
    {
      start: (given) => {
        controller = given;
      },
      pull: () => wake(),
      // Nobody reads any more: the rest is dropped, so that the command goes on.
      cancel: () => {
        isOpen = false;
        wake();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: queuedBytes }),
  );
  return {
    stream,
    push: async (bytes: Buffer): Promise<void> => {
      if (!isOpen) return;
      controller?.enqueue(new Uint8Array(bytes));
      while (isOpen && (controller?.desiredSize ?? 1) <= 0) {
        const pulled = Promise.withResolvers<void>();
        wake = pulled.resolve;
        await pulled.promise;
      }
    },
    close: (): void => {
      if (isOpen) controller?.close();
      isOpen = false;
    },
  };
}

async function lookAt(engine: Connection, id: string): Promise<ExecJson> {
  const signal = AbortSignal.timeout(settleMs);
  return (await engine.json<ExecJson>({ path: `/exec/${id}/json`, what: 'ask how a command ended', signal })).value;
}

/**
 * The end of the stream alone says nothing: an engine that dies ends it as well, and a command may go on that was called off but cannot be killed from
 * here. As long as it runs it has no end, so that whoever runs one after the other does not pile them up.
 */
async function exitOf(engine: Connection, id: string, container: string, signal: AbortSignal): Promise<number | 'unknown'> {
  const settledBy = Date.now() + settleMs;
  for (let waitMs = 20; ; waitMs = Math.min(waitMs * 2, slowestMs)) {
    try {
      const { Running, ExitCode, Pid = 0 } = await lookAt(engine, id);
      if (!Running && ExitCode !== null) return ExitCode;
      if (!Running && Date.now() > settledBy) return 'unknown';
      // No engine has a word for ending a command in a container.
      if (Running && signal.aborted) killTree(Pid, container);
    } catch (error) {
      // An engine that answers late still knows; one that is gone has taken the answer along.
      if (!isRuntimeFailure(error) || error.code !== 'aborted') return 'unknown';
    }
    // The agent need not live for it.
    await sleep(waitMs, undefined, { ref: false, ...(signal.aborted ? {} : { signal }) }).catch(() => {});
  }
}
