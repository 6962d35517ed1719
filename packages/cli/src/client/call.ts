import type { IncomingMessage, RequestOptions } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WireProblem } from '@ostler/core';
import { Failure } from '../failure.ts';

export interface Asked {
  readonly socket: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Until the answer begins; `null`: a stream that may begin with silence. */
  readonly deadlineMs: number | null;
}

/** Longest to wait for the agent to take the connection. */
const connectMs = 5000;
// An `import` of node:http also loads what it merely offers (fetch, WebSocket): more than half of the time that a client verb takes to start.
const http = process.getBuiltinModule('node:http');
const oneCall = new http.Agent({ keepAlive: false });

/** The answer's head, its body still to be read. Every status outside 2xx is thrown as the problem that the agent says it is. */
export async function ask(asked: Asked): Promise<IncomingMessage> {
  const response = (await send(asked)).response;
  if (response.statusCode !== undefined && response.statusCode >= 200 && response.statusCode < 300) return response;
  throw await refusal(asked, response);
}

/** The agent's answer to a request for another protocol: the open connection and what already came over it. */
export async function upgrade(asked: Asked): Promise<{ readonly connection: Duplex; readonly head: Buffer }> {
  const { response, connection, head } = await send(asked);
  if (connection !== null) return { connection, head };
  throw await refusal(asked, response);
}

interface Answer {
  readonly response: IncomingMessage;
  readonly connection: Duplex | null;
  readonly head: Buffer;
}

function send({ socket, method, path, body, headers, signal, deadlineMs }: Asked): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const sized = payload === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    const options: RequestOptions = { socketPath: socket, method, path, agent: oneCall, headers: { ...headers, ...sized } };
    if (signal !== undefined) options.signal = signal;
    const request = http.request(options);
    const late = (ms: number, what: string): NodeJS.Timeout => setTimeout(() => request.destroy(slow(socket, ms, what)), ms);
    const connecting = late(connectMs, 'take the connection');
    const answering = deadlineMs === null ? undefined : late(deadlineMs, `answer ${method} ${path.split('?')[0]}`);
    const settle = (): void => {
      clearTimeout(connecting);
      clearTimeout(answering);
    };
    request.once('socket', (connection) => {
      if (connection.connecting) connection.once('connect', () => clearTimeout(connecting));
      else clearTimeout(connecting);
    });
    request.once('response', (response) => {
      settle();
      resolve({ response, connection: null, head: Buffer.alloc(0) });
    });
    request.once('upgrade', (response, connection, head) => {
      settle();
      resolve({ response, connection, head });
    });
    request.on('error', (error) => {
      settle();
      reject(connectionFailure(error, socket));
    });
    request.end(payload);
  });
}

const longestBodyBytes = 64 * 2 ** 20;

/** The whole body as text. */
export async function textOf(response: IncomingMessage, socket: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > longestBodyBytes) throw new Failure({ code: 'internal', message: `the agent’s answer is longer than ${longestBodyBytes} bytes` });
      chunks.push(chunk);
    }
  } catch (error) {
    throw connectionFailure(error, socket);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export async function jsonOf(response: IncomingMessage, socket: string): Promise<unknown> {
  const text = await textOf(response, socket);
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    throw notOurs(socket, `its answer is no JSON: ${JSON.stringify(text.slice(0, 80))}`);
  }
}

async function refusal({ socket }: Asked, response: IncomingMessage): Promise<Failure> {
  const said = await jsonOf(response, socket);
  if (isWireProblem(said)) return new Failure(said);
  return notOurs(socket, `it answered with HTTP status ${response.statusCode}`);
}

export function isWireProblem(value: unknown): value is WireProblem {
  if (typeof value !== 'object' || value === null) return false;
  const { code, message } = value as Partial<WireProblem>;
  return typeof code === 'string' && typeof message === 'string';
}

const notOurs = (socket: string, why: string): Failure =>
  new Failure({ code: 'no-agent', message: `what answers on ${socket} is no ostler agent: ${why}`, exitCode: 3, hint: 'name the right socket with --socket' });

const slow = (socket: string, ms: number, what: string): Failure =>
  new Failure({
    code: 'no-agent',
    message: `the agent on ${socket} did not ${what} within ${ms / 1000} s`,
    exitCode: 3,
    hint: 'it may be stopped or very busy: look at its process and its log',
  });

/** An error of the connection in plain words. Failures and aborts are passed through. */
export function connectionFailure(error: unknown, socket: string): Error {
  if (error instanceof Failure) return error;
  const { code, name, message } = error as NodeJS.ErrnoException;
  if (name === 'AbortError') return error as Error;
  const say = (text: string, hint: string): Failure => new Failure({ code: 'no-agent', message: text, exitCode: 3, hint });
  if (code === 'ENOENT' || code === 'ECONNREFUSED')
    return say(`no agent answers on ${socket}`, 'start one with `ostler up` or `ostler serve`, or name its socket with --socket or --data-dir');
  if (code === 'EACCES' || code === 'EPERM')
    return say(`you may not talk to the agent on ${socket}`, 'its socket is for its own user alone: run this as that user');
  if (code === 'ENOTSOCK' || code === 'ENOTDIR') return say(`${socket} is no socket`, 'name the agent’s socket with --socket');
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE')
    return say(`the agent on ${socket} went away`, 'see with `ostler ps` whether it is back');
  return say(`the agent on ${socket} cannot be reached: ${message}`, 'see with `ostler doctor`');
}
