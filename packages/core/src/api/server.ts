import { chmodSync } from 'node:fs';
import type { Socket } from 'node:net';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { z } from 'zod';
import type { CoreClock } from '../base/clock.ts';
import type { AgentLogger } from '../base/logger.ts';
import type { Control } from './control.ts';
import { serveExec } from './exec.ts';
import { openApiDocument } from './openapi.ts';
import { Problems } from './problems.ts';
import { type eventsQuery, logsQuery, type Route, routes } from './routes.ts';
import { makeRoom } from './socket.ts';
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
  /** Ends the streams; the socket goes with the listener (libuv unlinks it). */
  close(): Promise<void>;
}

const bodyBytes = 1024 * 1024;
const worker = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** The control API on a unix socket: translation, and nothing else. Throws `socket-in-use` when an agent answers there. */
export async function openApi(given: ApiGiven): Promise<Api> {
  const { control, socket, log } = given;
  await makeRoom(socket);
  const server = fastify({ bodyLimit: bodyBytes, forceCloseConnections: true, connectionTimeout: 0, requestTimeout: 0, exposeHeadRoutes: false });
  const ended = new AbortController();
  const problems = new Problems(log);
  guard(server, problems);
  for (const one of routes) addRoute(server, control, one, problems, ended.signal);
  server.get('/v1/openapi.json', () => openApiDocument(control.agent().release));
  server.get<{ Params: { name: string } }>('/v1/workers/:name/why', async (request, reply) => {
    const name = problems.worker(request.params.name, worker);
    const { report, lines } = await control.why(name);
    const { format } = request.query as { readonly format?: string };
    const isText = format === 'text' || (format === undefined && (request.headers.accept ?? '').includes('text/plain'));
    return isText ? reply.type('text/plain; charset=utf-8').send(`${lines.join('\n')}\n`) : report;
  });
  server.get<{ Params: { name: string } }>('/v1/workers/:name/logs', async (request, reply) => {
    const name = problems.worker(request.params.name, worker);
    const { follow = false, tail = null, since = null, instance = null } = problems.read(logsQuery, request.query, 'query');
    const signal = signalOf(reply, ended.signal);
    return sendLogs(reply, control.logs(name, { follow, tailLines: tail, since, instance }, signal), signal, (error) => problems.answer(error).body);
  });
  const exec = serveExec(control, problems, worker, ended.signal);
  server.server.on('upgrade', (request, connection, head) => exec(request, connection as Socket, head));

  const before = process.umask(0o177);
  try {
    await server.listen({ path: socket });
  } finally {
    process.umask(before);
  }
  // For the agent's user alone: the socket is the permission.
  chmodSync(socket, 0o600);
  return {
    socket,
    async close() {
      ended.abort();
      await server.close();
    },
  };
}

function guard(server: FastifyInstance, problems: Problems): void {
  server.addHook('onRequest', async (request, reply) => {
    // No page of a browser has any business here.
    if (request.headers.origin !== undefined) return reply.code(403).send({ code: 'usage', message: 'requests of web pages are not served', exitCode: 2 });
  });
  // A client may send an empty body with a content type.
  server.removeContentTypeParser('application/json');
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_, text, done) => {
    try {
      done(null, text === '' ? {} : JSON.parse(String(text)));
    } catch (error) {
      done(Object.assign(new Error(`the body is no JSON: ${(error as Error).message}`), { statusCode: 400 }));
    }
  });
  server.setNotFoundHandler((request, reply) => {
    const known = routes.some(({ path }) => path === request.url.split('?')[0]);
    return reply.code(known ? 405 : 404).send({
      code: 'usage',
      message: `there is no ${request.method} ${request.url.split('?')[0]?.slice(0, 200)}; GET /v1/openapi.json lists what there is`,
      exitCode: 2,
    });
  });
  server.setErrorHandler((error, _, reply) => {
    const { status, body } = problems.answer(error);
    return reply.code(status).send(body);
  });
}

function addRoute(server: FastifyInstance, control: Control, one: Route, problems: Problems, ended: AbortSignal): void {
  server.route({
    method: one.method,
    url: one.path,
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const { name } = request.params as { readonly name?: string };
      const read = <S extends z.ZodType>(schema: S | undefined, value: unknown, what: string): unknown => problems.read(schema ?? nothing, value ?? {}, what);
      const query = read(one.query, request.query, 'query');
      const signal = signalOf(reply, ended);
      if (one.path === '/v1/events' && (request.headers.accept ?? '').includes('text/event-stream')) {
        const asked = query as z.output<typeof eventsQuery>;
        const after = (request.headers['last-event-id'] as string | undefined) ?? asked.after ?? null;
        return sendEvents(reply, control.followEvents({ after, worker: asked.worker ?? null }, signal), signal);
      }
      const body = one.method === 'POST' ? read(one.body, request.body, 'body') : {};
      return one.run(control, { worker: name === undefined ? '' : problems.worker(name, worker), query, body, signal });
    },
  });
}

const nothing = z.strictObject({});

/** Aborts when the client has gone, or the agent ends. */
function signalOf(reply: FastifyReply, ended: AbortSignal): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => controller.abort());
  return AbortSignal.any([controller.signal, ended]);
}
