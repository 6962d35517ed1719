import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, Agent as TlsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { isRuntimeFailure } from '@ostler/sdk';
import type { Endpoint } from '../endpoint/endpoint.ts';
import { type Asked, abortFailure, answerFailure, lossFailure } from '../errors.ts';

export interface Ask {
  /** GET if not given. */
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Without a version: each engine speaks its newest. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Completes "cannot …". */
  readonly what: string;
  /** A POST that changes nothing. */
  readonly isRead?: boolean;
  /** Statuses beside 2xx that are answers. */
  readonly accepts?: readonly number[];
  readonly signal: AbortSignal;
}

interface Modem {
  dial(options: object, callback: (error: NodeJS.ErrnoException | null, response: IncomingMessage | null) => void): void;
}

/** Every status is an answer to docker-modem: its own errors lose the text of streams. */
const everyStatus = new Proxy({}, { get: () => true });
const stale = ['ECONNRESET', 'EPIPE'];

/**
 * One engine's API. Requests go through dockerode's modem as streams, and are read here: for a plain call the modem hears neither a connection that
 * breaks within the answer nor the signal after it began, so that such a call never settles. No time limits here: each call has its signal.
 */
export class Connection {
  readonly #find: () => Endpoint;
  #endpoint: Endpoint | null = null;
  #open: { readonly calls: Modem; readonly streams: Modem; readonly agents: readonly Agent[] } | null = null;

  /** `find` is asked anew after an endpoint could not be reached: engines come and go, and so do their sockets. */
  constructor(find: () => Endpoint) {
    this.#find = find;
  }

  get endpoint(): Endpoint {
    this.#endpoint ??= this.#find();
    return this.#endpoint;
  }

  /** The answer's JSON (`null` if it is empty), and its status. Throws a RuntimeFailure for all but 2xx and `accepts`. */
  async json<T>(ask: Ask): Promise<{ readonly status: number; readonly value: T }> {
    const { status, body } = await this.#whole(ask);
    try {
      return { status, value: (body.length === 0 ? null : JSON.parse(body.toString('utf8'))) as T };
    } catch {
      // A plain text, as _ping gives.
      return { status, value: body.toString('utf8') as T };
    }
  }

  async bytes(ask: Ask): Promise<Buffer> {
    return (await this.#whole(ask)).body;
  }

  /** The answer as it comes. Whoever takes it reads it to its end, or destroys it. */
  async stream(ask: Ask): Promise<IncomingMessage> {
    const response = await this.#dial(ask, 'streams');
    await this.#refuse(response, ask);
    return response;
  }

  /** The connection itself, after the engine agreed to switch protocols: attach and exec. */
  async upgrade(ask: Ask): Promise<Duplex> {
    const { endpoint } = this;
    const asked = askedOf(ask);
    if (ask.signal.aborted) throw abortFailure(asked, false);
    // Podman hands the body of an attach on to the container.
    const body = ask.body === undefined ? '' : JSON.stringify(ask.body);
    const options = {
      ...('socketPath' in endpoint ? { socketPath: endpoint.socketPath } : { host: endpoint.host, port: endpoint.port, ...endpoint.tls }),
      method: 'POST',
      path: `${ask.path}?${queryOf(ask)}`,
      headers: { Connection: 'Upgrade', Upgrade: 'tcp', 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
      signal: ask.signal,
      // One connection for one session: what was upgraded is never HTTP again.
      agent: false,
    } as const;
    const request = 'tls' in endpoint && endpoint.tls !== null ? httpsRequest(options) : httpRequest(options);
    return new Promise((resolve, reject) => {
      request.on('upgrade', (_, socket, head) => {
        // The first bytes may have come along with the headers.
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      request.on('response', (response) => {
        this.#refuse(response, ask).then(() => reject(answerFailure(response.statusCode ?? 500, 'the engine did not switch protocols', asked)), reject);
      });
      request.on('error', (error) => reject(this.#failure(error, ask)));
      request.end(body);
    });
  }

  close(): void {
    for (const agent of this.#open?.agents ?? []) agent.destroy();
    this.#open = null;
    this.#endpoint = null;
  }

  async #modem(kind: 'calls' | 'streams'): Promise<Modem> {
    const { endpoint } = this;
    // Loaded when an engine is first asked: an agent without containers does without it.
    const { default: Docker } = await import('dockerode');
    this.#open ??= openEndpoint(endpoint, (options) => new Docker(options).modem as Modem);
    return this.#open[kind];
  }

  async #whole(ask: Ask): Promise<{ readonly status: number; readonly body: Buffer }> {
    const response = await this.#dial(ask, 'calls');
    await this.#refuse(response, ask);
    return { status: response.statusCode ?? 0, body: await this.#read(response, ask) };
  }

  async #refuse(response: IncomingMessage, ask: Ask): Promise<void> {
    const status = response.statusCode ?? 0;
    if ((status >= 200 && status < 300) || ask.accepts?.includes(status)) return;
    throw answerFailure(status, messageOf((await this.#read(response, ask)).toString('utf8')), askedOf(ask));
  }

  async #read(response: IncomingMessage, ask: Ask): Promise<Buffer> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response) chunks.push(chunk as Buffer);
    } catch (error) {
      throw this.#failure(error as NodeJS.ErrnoException, ask);
    }
    return Buffer.concat(chunks);
  }

  async #dial(ask: Ask, kind: 'calls' | 'streams'): Promise<IncomingMessage> {
    if (ask.signal.aborted) throw abortFailure(askedOf(ask), false);
    try {
      return await dial(await this.#modem(kind), ask);
    } catch (error) {
      // A kept connection that the engine had closed meanwhile: a read may be asked again, anything else may have been done.
      const isStale = stale.includes((error as NodeJS.ErrnoException).code ?? '') && !askedOf(ask).isMutating && !ask.signal.aborted;
      if (!isStale) throw this.#failure(error as NodeJS.ErrnoException, ask);
    }
    return dial(await this.#modem(kind), ask).catch((error: NodeJS.ErrnoException) => {
      throw this.#failure(error, ask);
    });
  }

  #failure(error: NodeJS.ErrnoException, ask: Ask): Error {
    if (isRuntimeFailure(error)) return error;
    if (ask.signal.aborted) return abortFailure(askedOf(ask), true);
    const failure = lossFailure(error, askedOf(ask), this.endpoint);
    this.close();
    return failure;
  }
}

function openEndpoint(endpoint: Endpoint, modemOf: (options: object) => Modem) {
  const isTls = 'tls' in endpoint && endpoint.tls !== null;
  const open = (keepAlive: boolean) => {
    const agent = isTls ? new TlsAgent({ keepAlive }) : new Agent({ keepAlive });
    const where =
      'socketPath' in endpoint
        ? { socketPath: endpoint.socketPath }
        : { host: endpoint.host, port: endpoint.port, protocol: isTls ? ('https' as const) : ('http' as const), ...endpoint.tls };
    return { modem: modemOf({ ...where, agent }), agent };
  };
  const [calls, streams] = [open(true), open(false)];
  return { calls: calls.modem, streams: streams.modem, agents: [calls.agent, streams.agent] };
}

function dial(modem: Modem, ask: Ask): Promise<IncomingMessage> {
  const { method = 'GET', path, signal, body = {}, headers } = ask;
  const query = Object.fromEntries(Object.entries(ask.query ?? {}).filter(([, value]) => value !== undefined));
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new Error('aborted'));
    signal.addEventListener('abort', onAbort, { once: true });
    const options = {
      method,
      path: `${path}?`,
      isStream: true,
      statusCodes: everyStatus,
      abortSignal: signal,
      options: { _query: query, _body: body },
      headers,
    };
    modem.dial(options, (error, response) => {
      signal.removeEventListener('abort', onAbort);
      if (error !== null || response === null) reject(error ?? new Error('no answer'));
      else resolve(response);
    });
  });
}

function queryOf({ query = {} }: Ask): string {
  const set = Object.entries(query).filter(([, value]) => value !== undefined);
  return new URLSearchParams(Object.fromEntries(set.map(([key, value]) => [key, String(value)]))).toString();
}

const askedOf = ({ what, isRead, method }: Ask): Asked => ({ what, isMutating: isRead !== true && method !== undefined && method !== 'GET' });

/** `{ message }` of Docker, `{ cause, message }` of Podman, or a plain text. */
function messageOf(text: string): string {
  try {
    const { message, cause } = JSON.parse(text) as { readonly message?: string; readonly cause?: string };
    return message ?? cause ?? text;
  } catch {
    return text;
  }
}
