import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { EventRecord, LogLine, PsDocument, StatsDocument } from '@ostler/core';
import { ask, connectionFailure, jsonOf, textOf, upgrade } from './call.ts';
import { readNdjson } from './ndjson.ts';

export interface LogsAsked {
  readonly follow: boolean;
  readonly tailLines?: number | undefined;
  /** RFC 3339. */
  readonly since?: string | undefined;
  readonly instance?: string | undefined;
}

export interface Call {
  readonly signal?: AbortSignal | undefined;
  /** For the answer to begin; 30 s if not given. */
  readonly deadlineMs?: number | undefined;
}

/**
 * The control API of the agent behind one socket. Every call connects anew. Throws a Failure: the agent's own problem, or `no-agent` with exit
 * code 3. A call whose signal is aborted throws AbortError; a stream ends.
 */
export interface Client {
  readonly socket: string;
  /** Body of the answer, `null` if it has none. */
  request<X>(method: 'GET' | 'POST', path: string, body?: unknown, call?: Call): Promise<X>;
  text(path: string, call?: Call): Promise<string>;
  ps(call?: Call): Promise<PsDocument>;
  stats(call?: Call): Promise<StatsDocument>;
  logs(worker: string, asked: LogsAsked, signal?: AbortSignal): AsyncIterable<LogLine>;
  /** From now on, or everything after a cursor. `opened` is called when the agent has begun to answer. */
  followEvents(
    asked: { readonly after?: string | undefined; readonly worker?: string | undefined },
    signal?: AbortSignal,
    opened?: () => void,
  ): AsyncIterable<EventRecord>;
  /** The connection after the agent took the upgrade, with what already came over it. */
  exec(
    worker: string,
    argv: readonly string[],
    io: { readonly tty: boolean; readonly user?: string | undefined },
  ): Promise<{ connection: Duplex; head: Buffer }>;
}

const usualMs = 30_000;
/** The agent sends a comment every 15 s. */
const silentMs = 60_000;

export function connect(socket: string): Client {
  const opened = (path: string, accept: string, signal: AbortSignal | undefined, deadlineMs: number | null): Promise<IncomingMessage> =>
    ask({ socket, method: 'GET', path, headers: { accept }, signal, deadlineMs });

  const client: Client = {
    socket,
    request: async <X>(method: 'GET' | 'POST', path: string, body?: unknown, call: Call = {}): Promise<X> =>
      (await jsonOf(await ask({ socket, method, path, body, signal: call.signal, deadlineMs: call.deadlineMs ?? usualMs }), socket)) as X,
    text: async (path, call = {}) => textOf(await opened(path, 'text/plain', call.signal, call.deadlineMs ?? usualMs), socket),
    ps: (call) => client.request('GET', '/v1/ps', undefined, call),
    stats: (call) => client.request('GET', '/v1/stats', undefined, call),
    async *logs(worker, { follow, tailLines, since, instance }, signal) {
      const path = `${workerPath(worker, 'logs')}?${queryOf({ follow: follow ? '1' : '0', tail: tailLines?.toString(), since, instance })}`;
      // Nothing comes, not even the head, before a quiet worker prints its first line.
      const source = async function* () {
        const lines = readNdjson<LogLine>(await opened(path, 'application/x-ndjson', signal, follow ? null : usualMs));
        // Of a failure that the agent tells at the end of the stream the worker is ours to know.
        for await (const line of lines) yield line.worker === '' ? { ...line, worker } : line;
      };
      yield* untilAborted(source(), socket, signal);
    },
    async *followEvents({ after, worker }, signal, whenOpen) {
      const source = async function* () {
        const { readSse } = await import('./sse.ts');
        const response = await opened(`/v1/events?${queryOf({ after, worker })}`, 'text/event-stream', signal, usualMs);
        whenOpen?.();
        response.setTimeout(silentMs, () => response.destroy(Object.assign(new Error('silence'), { code: 'ECONNRESET' })));
        for await (const { data } of readSse(response)) yield JSON.parse(data) as EventRecord;
        // This stream has no end of its own.
        throw Object.assign(new Error('the stream ended'), { code: 'ECONNRESET' });
      };
      yield* untilAborted(source(), socket, signal);
    },
    exec: (worker, argv, { tty, user }) =>
      upgrade({
        socket,
        method: 'POST',
        path: `${workerPath(worker, 'exec')}?${queryOf({ argv: JSON.stringify(argv), tty: tty ? '1' : '0', user })}`,
        headers: { connection: 'Upgrade', upgrade: 'ostler-exec/1' },
        deadlineMs: usualMs,
      }),
  };
  return client;
}

/** `/v1/workers/NAME/WHAT`. */
export const workerPath = (worker: string, what: string): string => `/v1/workers/${encodeURIComponent(worker)}/${what}`;

/** Only what is given. */
export function queryOf(given: Readonly<Record<string, string | undefined>>): string {
  return new URLSearchParams(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined)).toString();
}

async function* untilAborted<X>(source: AsyncIterable<X>, socket: string, signal: AbortSignal | undefined): AsyncGenerator<X> {
  try {
    yield* source;
  } catch (error) {
    if (!signal?.aborted) throw connectionFailure(error, socket);
  }
}
