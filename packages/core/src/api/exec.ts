import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ExecSession } from '@ostler/sdk';
import { z } from 'zod';
import type { Control } from './control.ts';
import { encodeFrame, FrameReader, frameTypes } from './exec-frames.ts';
import type { Problems } from './problems.ts';
import { execQuery } from './routes.ts';

const size = z.object({ columns: z.int().min(1).max(10_000), rows: z.int().min(1).max(10_000) });

/** Handles `Upgrade: ostler-exec/1`: a command in a worker, its streams as frames both ways. */
export function serveExec(control: Control, problems: Problems, worker: RegExp, ended: AbortSignal) {
  return (request: IncomingMessage, connection: Socket, head: Buffer): void => {
    connection.on('error', () => connection.destroy());
    const gone = new AbortController();
    // A half-open connection only ends: its client has gone all the same, for the end of its input is a frame.
    for (const event of ['end', 'close']) connection.once(event, () => gone.abort());
    void begin(request, connection, head, AbortSignal.any([gone.signal, ended]));
  };

  async function begin(request: IncomingMessage, connection: Socket, head: Buffer, signal: AbortSignal): Promise<void> {
    let session: ExecSession;
    try {
      const url = new URL(request.url ?? '/', 'http://agent');
      const name = /^\/v1\/workers\/([^/]+)\/exec$/.exec(url.pathname)?.[1];
      if (name === undefined || request.headers.upgrade !== 'ostler-exec/1' || request.headers.origin !== undefined) {
        refuse(connection, 404, { code: 'usage', message: 'only exec is served over an upgraded connection', exitCode: 2 });
        return;
      }
      const { argv, tty = false, user = null } = problems.read(execQuery, Object.fromEntries(url.searchParams), 'query');
      session = await control.exec(problems.worker(decodeURIComponent(name), worker), argv, { tty, user }, signal);
    } catch (error) {
      const { status, body } = problems.answer(error);
      refuse(connection, status, body);
      return;
    }
    connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ostler-exec/1\r\n\r\n');
    await carry(session, connection, head, signal);
  }
}

function refuse(connection: Socket, status: number, body: object): void {
  const text = JSON.stringify(body);
  connection.end(
    `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  );
}

async function carry(session: ExecSession, connection: Socket, head: Buffer, signal: AbortSignal): Promise<void> {
  const stdin = session.stdin.getWriter();
  const frames = new FrameReader();
  let order = Promise.resolve();
  const take = async (bytes: Uint8Array): Promise<void> => {
    for (const { type, payload } of frames.push(bytes)) {
      if (type === frameTypes.stdin) await stdin.write(payload.slice()).catch(() => {});
      else if (type === frameTypes.stdinEnd) await stdin.close().catch(() => {});
      else if (type === frameTypes.resize) {
        const asked = size.safeParse(JSON.parse(Buffer.from(payload).toString()));
        if (asked.success) await session.resize(asked.data.columns, asked.data.rows).catch(() => {});
      }
    }
  };
  const push = (bytes: Uint8Array): void => {
    connection.pause();
    order = order
      .then(() => take(bytes))
      .then(
        () => void connection.resume(),
        () => void connection.destroy(),
      );
  };
  if (head.length > 0) push(head);
  connection.on('data', push);
  connection.resume();
  // The client has gone: what it typed ends, and the command sees that.
  signal.addEventListener('abort', () => void stdin.close().catch(() => {}), { once: true });
  const out = async (stream: ReadableStream<Uint8Array>, type: 1 | 2): Promise<void> => {
    for await (const bytes of stream) if (!connection.write(encodeFrame(type, bytes))) await drained(connection);
  };
  const streams = Promise.allSettled([out(session.stdout, frameTypes.stdout), out(session.stderr, frameTypes.stderr)]);
  const code = await session.exit.catch(() => 'unknown' as const);
  await streams;
  if (connection.destroyed) return;
  connection.end(encodeFrame(frameTypes.exit, JSON.stringify({ code })));
}

const drained = (connection: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (connection.destroyed) resolve();
    connection.once('drain', resolve);
    connection.once('close', () => resolve());
  });
