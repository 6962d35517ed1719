import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest, Agent as TlsAgent } from 'node:https';
import { type Duplex, pipeline, Readable } from 'node:stream';
import { isRuntimeFailure } from '@ostler/sdk';
import type { Endpoint } from '../endpoint/endpoint.ts';
import { type Asked, abortFailure, answerFailure, lossFailure } from '../errors.ts';
import type { Flavour } from '../flavour.ts';
import { sshAgent } from './ssh.ts';

export interface Ask {
  /** GET if not given. */
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Without a version: each engine speaks its newest. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: object;
  /** A tar that is sent as it is made, as fast as the engine takes it; with `stream()` alone. What breaks it off breaks the request off. */
  readonly upload?: AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
  /** What `upgrade()` asks to switch to; `tcp` if not given. */
  readonly protocol?: 'tcp' | 'h2c';
  /** Completes "cannot …". */
  readonly what: string;
  /** A POST that changes nothing. */
  readonly isRead?: boolean;
  /** Statuses beside 2xx that are answers. */
  readonly accepts?: readonly number[];
  readonly signal: AbortSignal;
}

const stale = ['ECONNRESET', 'EPIPE'];

/**
 * One engine's API, over Node's own http: docs/adr/0010 says why not by a client library. Every answer is read here, so that a connection that breaks within
 * it is heard, and the signal holds to its end. No time limits here: each call has its signal.
 */
export class Connection {
  readonly #find: () => Endpoint;
  readonly #flavour: Flavour;
  #endpoint: Endpoint | null = null;
  #agent: Agent | null = null;

  /** `find` is asked anew after an endpoint could not be reached: engines come and go, and so do their sockets. */
  constructor(find: () => Endpoint, flavour: Flavour = 'docker') {
    this.#find = find;
    this.#flavour = flavour;
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

  /** The answer as it comes. Whoever takes it reads it to its end, or destroys it. */
  async stream(ask: Ask): Promise<IncomingMessage> {
    const response = await this.#dial(ask, false);
    await this.#refuse(response, ask);
    return response;
  }

  /** The connection itself, after the engine agreed to switch protocols: attach and exec. */
  async upgrade(ask: Ask): Promise<Duplex> {
    const asked = askedOf(ask);
    if (ask.signal.aborted) throw abortFailure(asked, false);
    // One connection for one session: what was upgraded is never HTTP again.
    const request = this.#request(ask, this.#fresh(), { Connection: 'Upgrade', Upgrade: ask.protocol ?? 'tcp' });
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
    });
  }

  close(): void {
    this.#agent?.destroy();
    this.#agent = null;
    this.#endpoint = null;
  }

  /** The engine's host, as the agent reaches it. */
  get host(): string {
    const { endpoint } = this;
    return 'ssh' in endpoint ? endpoint.ssh.host : 'host' in endpoint ? endpoint.host : '127.0.0.1';
  }

  /** Sends it. */
  #request(ask: Ask, agent: Agent, upgrade: Readonly<Record<string, string>> = {}): ClientRequest {
    const { endpoint } = this;
    const query = queryOf(ask);
    // Podman hands the body of an attach on to the container: where none is needed none is sent.
    const body = ask.body === undefined ? null : JSON.stringify(ask.body);
    const options = {
      ...whereOf(endpoint),
      method: ask.method ?? 'GET',
      path: query === '' ? ask.path : `${ask.path}?${query}`,
      headers: {
        ...ask.headers,
        ...upgrade,
        ...(body === null ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
        ...(ask.upload === undefined ? {} : { 'Content-Type': 'application/x-tar' }),
      },
      signal: ask.signal,
      agent,
    };
    const request = isTls(endpoint) ? httpsRequest(options) : httpRequest(options);
    if (ask.upload !== undefined) pipeline(Readable.from(ask.upload, { objectMode: false }), request, () => {});
    else if (body === null) request.end();
    else request.end(body);
    return request;
  }

  /** For calls: connections are used again. */
  #kept(): Agent {
    this.#agent ??= agentFor(this.endpoint, this.#flavour, true);
    return this.#agent;
  }

  /** For what lasts: a connection of its own. */
  #fresh(): Agent {
    return agentFor(this.endpoint, this.#flavour, false);
  }

  async #whole(ask: Ask): Promise<{ readonly status: number; readonly body: Buffer }> {
    const response = await this.#dial(ask, true);
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

  async #dial(ask: Ask, isKept: boolean): Promise<IncomingMessage> {
    if (ask.signal.aborted) throw abortFailure(askedOf(ask), false);
    const send = () => answerTo(this.#request(ask, isKept ? this.#kept() : this.#fresh()));
    try {
      return await send();
    } catch (error) {
      // A kept connection that the engine had closed meanwhile: a read may be asked again, anything else may have been done.
      const isStale = stale.includes((error as NodeJS.ErrnoException).code ?? '') && !askedOf(ask).isMutating && !ask.signal.aborted;
      if (!isStale) throw this.#failure(error as NodeJS.ErrnoException, ask);
    }
    return send().catch((error: NodeJS.ErrnoException) => {
      throw this.#failure(error, ask);
    });
  }

  #failure(error: NodeJS.ErrnoException, ask: Ask): Error {
    if (isRuntimeFailure(error)) return error;
    if (ask.signal.aborted) return abortFailure(askedOf(ask), true);
    const failure = lossFailure(error, askedOf(ask), this.endpoint);
    // Other calls may still be under way: what is open is left alone.
    if (failure.outcome === 'no') [this.#endpoint, this.#agent] = [null, null];
    return failure;
  }
}

function agentFor(endpoint: Endpoint, flavour: Flavour, keepAlive: boolean): Agent {
  if ('ssh' in endpoint) return sshAgent(endpoint.ssh, flavour, keepAlive);
  return isTls(endpoint) ? new TlsAgent({ keepAlive }) : new Agent({ keepAlive });
}

function whereOf(endpoint: Endpoint) {
  if ('socketPath' in endpoint) return { socketPath: endpoint.socketPath, host: 'engine' };
  return 'ssh' in endpoint ? { host: 'engine' } : { host: endpoint.host, port: endpoint.port, ...endpoint.tls };
}

const isTls = (endpoint: Endpoint): boolean => 'tls' in endpoint && endpoint.tls !== null;

function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', reject);
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
