import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Call, ExecSession } from '@ostler/sdk';
import { isRuntimeFailure } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import type { ContainerJson } from '../engine/json.ts';
import { refusal } from '../errors.ts';
import { demultiplexed } from '../log/frames.ts';
import { isRunning } from './stop.ts';

interface ExecJson {
  readonly Running: boolean;
  readonly ExitCode: number | null;
  readonly Pid?: number;
}

/** Of a session that has ended: how long its exit code is asked for. */
const settleMs = 5000;
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
  const socket = await engine.upgrade({ method: 'POST', path: `/exec/${value.Id}/start`, body: { Detach: false, Tty: io.tty }, what, signal: call.signal });
  const onAbort = (): void => void socket.destroy();
  call.signal.addEventListener('abort', onAbort, { once: true });
  const { stdout, stderr, ended } = outputOf(socket, io.tty);
  const exit = ended.then(async () => {
    call.signal.removeEventListener('abort', onAbort);
    if (call.signal.aborted) await killExec(engine, value.Id, found.Id);
    return exitOf(engine, value.Id);
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

/** The end of the stream alone says nothing: an engine that dies ends it as well. */
async function exitOf(engine: Connection, id: string): Promise<number | 'unknown'> {
  try {
    for (const until = Date.now() + settleMs; Date.now() < until; await sleep(20)) {
      const { Running, ExitCode } = await lookAt(engine, id);
      if (!Running && ExitCode !== null) return ExitCode;
    }
  } catch {
    // the engine is gone, and with it the answer
  }
  return 'unknown';
}

/** No engine has a word for ending a command in a container: on this host, its process is ended. */
async function killExec(engine: Connection, id: string, container: string): Promise<void> {
  try {
    const { Running, Pid = 0 } = await lookAt(engine, id);
    if (Running && Pid > 1 && readFileSync(`/proc/${String(Pid)}/cgroup`, 'utf8').includes(container)) process.kill(Pid, 'SIGKILL');
  } catch {
    // ended meanwhile, or not ours to end
  }
}
