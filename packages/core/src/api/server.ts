import type { Socket } from 'node:net';
import { isRuntimeFailure } from '@ostler/sdk';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { CoreClock } from '../base/clock.ts';
import type { AgentLogger } from '../base/logger.ts';
import { isProblem } from '../base/problem.ts';
import { usage } from './answer.ts';
import type { Control } from './control.ts';
import { serveExec } from './exec.ts';
import { LoopShare } from './loop-share.ts';
import { openApiDocument } from './openapi.ts';
import { agentEnds, Problems, Refused } from './problems.ts';
import { noQuery } from './query.ts';
import { type Answer, methodsOf, type Route, routes } from './routes.ts';
import { makeRoom, placeSocket } from './socket.ts';
import { sendEvents, sendLogs } from './streams.ts';

export interface ApiGiven {
  readonly control: Control;
  /** Path of the unix socket. */
  readonly socket: string;
  readonly uid: number;
  readonly log: AgentLogger;
  readonly clock: CoreClock;
}

export interface Api {
  readonly socket: string;
  /** Takes the socket away, ends the streams, tells who waits that the agent ends. A second call waits for the first. */
  close(): Promise<void>;
}

interface Serving extends ApiGiven {
  readonly problems: Problems;
  readonly share: LoopShare;
  /** Aborts when the agent ends. */
  readonly ended: AbortSignal;
}

const bodyBytes = 1024 * 1024;
/** How long answers that were begun may take at the end. */
const lastAnswersMs = 1000;

/** The control API on a unix socket: translation, and nothing else. Throws `socket-in-use` when an agent answers there. */
export async function openApi(given: ApiGiven): Promise<Api> {
  const { socket, uid, log, clock } = given;
  await makeRoom(socket, uid);
  const ending = new AbortController();
  const problems = new Problems(log);
  const serving: Serving = { ...given, problems, share: new LoopShare(given.clock), ended: ending.signal };
  const server = fastify({
    bodyLimit: bodyBytes,
    // A change may take long to come out: its own `waitMs` is the deadline.
    ...{ connectionTimeout: 0, requestTimeout: 0, forceCloseConnections: 'idle', return503OnClosing: false },
    routerOptions: { maxParamLength: 4096 },
    exposeHeadRoutes: false,
    frameworkErrors: (error, _, reply) => void sendError(reply, problems, error),
    clientErrorHandler: (error, connection) => refuseBytes(error, connection),
  });
  guard(server, problems);
  for (const one of routes) addRoute(server, one, serving);
  const exec = serveExec(serving);
  server.server.on('upgrade', (request, connection, head) => exec(request, connection as Socket, head));
  const placed = await placeSocket(socket, (path) => server.listen({ path }));

  const close = async (): Promise<void> => {
    placed.remove();
    ending.abort();
    const cancel = clock.after(lastAnswersMs, () => server.server.closeAllConnections());
    await server.close();
    cancel();
  };
  let closing: Promise<void> | null = null;
  return {
    socket,
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function guard(server: FastifyInstance, problems: Problems): void {
  server.addHook('onRequest', async (request, reply) => {
    // No page of a browser has any business here.
    if (request.headers.origin !== undefined) return reply.code(403).send(usage(403, 'requests of web pages are not served').body);
  });
  server.removeAllContentTypeParsers();
  // A client may send an empty body with a content type.
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_, text, done) => {
    try {
      done(null, text === '' ? undefined : JSON.parse(String(text)));
    } catch (error) {
      done(new Refused(400, `the body is no JSON: ${(error as Error).message}`));
    }
  });
  server.addContentTypeParser('*', (request, _, done) => {
    done(new Refused(415, `a body is application/json, not ${request.headers['content-type']?.slice(0, 100) ?? 'without a type'}`));
  });
  server.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]!;
    const methods = methodsOf(path);
    if (methods.length > 0) void reply.header('allow', methods.join(', '));
    const { status, body } = usage(
      methods.length > 0 ? 405 : 404,
      `there is no ${request.method} ${path.slice(0, 200)}; GET /v1/openapi.json lists what there is`,
    );
    return reply.code(status).send(body);
  });
  server.setErrorHandler((error, _, reply) => sendError(reply, problems, error));
}

function sendError(reply: FastifyReply, problems: Problems, error: unknown): FastifyReply {
  const { status, body } = problems.answer(error);
  return reply.code(status).send(body);
}

/** Bytes that are no HTTP. */
function refuseBytes(error: Error & { readonly code?: string }, connection: Socket): void {
  if (error.code === 'ECONNRESET' || !connection.writable) {
    connection.destroy();
    return;
  }
  const [status, text] =
    error.code === 'HPE_HEADER_OVERFLOW' ? [431, 'Too Large'] : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? [408, 'Timeout'] : [400, 'Bad'];
  const body = JSON.stringify(usage(status as number, `not a request that is understood: ${error.message}`).body);
  const head = `HTTP/1.1 ${status} ${text}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`;
  connection.end(head + body, () => connection.destroy());
}

function addRoute(server: FastifyInstance, one: Route, serving: Serving): void {
  const { control, problems, ended } = serving;
  server.route({
    method: one.method,
    url: one.path,
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const { name } = request.params as { readonly name?: string };
      const worker = name === undefined ? '' : problems.worker(name);
      const query = problems.read(one.query ?? noQuery, request.query, 'query');
      const body = one.method === 'POST' ? problems.read(one.body ?? noQuery, request.body === undefined ? {} : request.body, 'body') : {};
      const gone = goneSignal(reply);
      const signal = AbortSignal.any([gone, ended]);
      const asked = {
        ...{ worker, query, body, signal },
        accepts: (type: string) => (request.headers.accept ?? '').includes(type),
        lastEventId: (request.headers['last-event-id'] as string | undefined) ?? null,
        document: () => openApiDocument(routes, control.agent().release),
      };
      try {
        return await send(reply, await one.run(control, asked), signal, serving);
      } catch (error) {
        if (!signal.aborted || isProblem(error) || isRuntimeFailure(error)) throw error;
        if (!gone.aborted) throw agentEnds();
        // Nobody is there to be told that the waiting was called off.
        return reply.hijack();
      }
    },
  });
}

function send(reply: FastifyReply, answer: Answer, signal: AbortSignal, { problems, share, clock }: Serving): unknown {
  const told = (error: unknown) => problems.answer(error).body;
  if ('lines' in answer) return sendLogs(reply, answer.lines, signal, share, told);
  if ('events' in answer) return sendEvents(reply, answer.events, signal, share, clock, told);
  if ('text' in answer) return reply.type('text/plain; charset=utf-8').send(answer.text);
  return answer.json;
}

/** Aborts when the client has gone (or has been answered). */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}
