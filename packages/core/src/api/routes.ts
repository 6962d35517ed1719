import { z } from 'zod';
import type { Control } from './control.ts';
import { Refused } from './problems.ts';
import { cursor, eventsQuery, execQuery, logsQuery, type noQuery, runQuery, whyQuery } from './query.ts';
import * as wire from './wire.ts';

/** Who asks over the socket: its owner. */
const by = 'the command';

export interface Asked<Q, B> {
  /** Checked: a DNS label. Empty where the path has none. */
  readonly worker: string;
  readonly query: Q;
  readonly body: B;
  /** True when the client named this media type in `Accept`. */
  accepts(type: string): boolean;
  /** `Last-Event-ID`, as it came. */
  readonly lastEventId: string | null;
  /** Aborts when the client goes, or the agent ends. */
  readonly signal: AbortSignal;
  /** The OpenAPI document of this table. */
  document(): object;
}

export type Answer =
  | { readonly json: unknown }
  | { readonly text: string }
  | { readonly lines: AsyncIterable<wire.LogLine> }
  | { readonly events: AsyncIterable<wire.EventRecord> };

/** The one table of what the API offers: fastify's routes and the OpenAPI document both come from it. */
export interface Route<Q extends z.ZodType = z.ZodType, B extends z.ZodType = z.ZodType> {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly summary: string;
  /** Absent: no key is allowed. */
  readonly query?: Q;
  /** Absent: none but an empty one. */
  readonly body?: B;
  /** Media type -> what it carries (of a stream: one record). */
  readonly answers: Readonly<Record<string, z.ZodType>>;
  /** Served over an upgraded connection (exec.ts), never by an answer. */
  readonly isUpgrade?: boolean;
  run(control: Control, asked: Asked<z.output<Q>, z.output<B>>): Answer | Promise<Answer>;
}

const route = <Q extends z.ZodType = typeof noQuery, B extends z.ZodType = typeof noQuery>(one: Route<Q, B>): Route => one as unknown as Route;
const plain = (answer: z.ZodType) => ({ 'application/json': answer });
const done = z.object({ done: z.literal(true) });

/** A read that takes nothing and answers with one document. */
const read = (path: string, summary: string, answer: z.ZodType, run: (control: Control, signal: AbortSignal) => unknown): Route =>
  route({ method: 'GET', path, summary, answers: plain(answer), run: async (control, { signal }) => ({ json: await run(control, signal) }) });

export const routes: readonly Route[] = [
  read('/v1/ps', 'The workers as they are now', wire.psDocument, (control) => control.ps()),
  read('/v1/stats', 'What the running workers have used', wire.statsDocument, (control, signal) => control.stats(signal)),
  read('/v1/agent', 'This agent', wire.agentDocument, (control) => control.agent()),
  read('/v1/runtimes', 'The runtimes of this host', wire.runtimesDocument, (control, signal) => control.runtimes(signal)),
  read('/v1/plugins', 'The plugins that are loaded', wire.pluginsDocument, (control) => control.plugins()),
  read('/v1/doctor', 'What the agent knows of its own health', wire.doctorDocument, (control) => control.doctor()),
  route({
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This document',
    answers: plain(z.looseObject({})),
    run: (_, { document }) => ({ json: document() }),
  }),
  route({
    method: 'GET',
    path: '/v1/events',
    summary: 'The journal; as server-sent events, which go on, with `Accept: text/event-stream`',
    query: eventsQuery,
    answers: { ...plain(wire.eventsDocument), 'text/event-stream': wire.eventRecord },
    run: async (control, { query, accepts, lastEventId, signal }) => {
      const { after = null, since = null, worker = null, limit = null } = query;
      if (!accepts('text/event-stream')) return { json: { version: 1, events: await control.events({ after, since, worker, limit }) } };
      if (since !== null || limit !== null)
        throw new Refused(400, `a stream of events begins after a cursor: ${since === null ? 'limit' : 'since'} is only for a list of them`);
      if (lastEventId !== null && !cursor.safeParse(lastEventId).success) throw new Refused(400, 'Last-Event-ID: expected a cursor that an event carries');
      return { events: await control.followEvents({ after: lastEventId ?? after, worker }, signal) };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/workers/:name/why',
    summary: 'What happened to a worker and why; as lines with `Accept: text/plain` or `format=text`',
    query: whyQuery,
    answers: { ...plain(z.looseObject({})), 'text/plain': z.string() },
    run: async (control, { worker, query: { format }, accepts }) => {
      const { report, lines } = await control.why(worker);
      const isText = format === 'text' || (format === undefined && accepts('text/plain'));
      return isText ? { text: `${lines.join('\n')}\n` } : { json: report };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/workers/:name/logs',
    summary: 'What a worker printed, a record a line; with `follow=1` it goes on',
    query: logsQuery,
    answers: { 'application/x-ndjson': wire.logLine },
    run: (control, { worker, query, signal }) => {
      const { follow = false, tail = null, since = null, instance = null } = query;
      return { lines: control.logs(worker, { follow, tailLines: tail, since, instance }, signal) };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/workers/:name/exec',
    summary: 'Runs a command in a worker, over `Upgrade: ostler-exec/1`; frames of one byte of type and four of length go both ways',
    query: execQuery,
    answers: {},
    isUpgrade: true,
    run: () => {
      throw new Refused(426, 'exec is served over an upgraded connection only: send `Connection: Upgrade` and `Upgrade: ostler-exec/1`');
    },
  }),
  route({
    method: 'POST',
    path: '/v1/plan',
    summary: 'What would change, and why',
    body: wire.planRequest,
    answers: plain(wire.planDocument),
    run: async (control, { body, signal }) => ({ json: await control.plan(body, signal) }),
  }),
  route({
    method: 'POST',
    path: '/v1/apply',
    summary: 'Makes the host file true',
    body: wire.applyRequest,
    answers: plain(wire.outcomeDocument),
    run: async (control, { body, signal }) => ({ json: await control.apply(body, by, signal) }),
  }),
  route({
    method: 'POST',
    path: '/v1/down',
    summary: 'Holds and stops every worker, or ends the agent alone',
    body: wire.downRequest,
    answers: plain(wire.outcomeDocument),
    run: async (control, { body, signal }) => ({ json: await control.down(body, by, signal) }),
  }),
  route({
    method: 'POST',
    path: '/v1/reload',
    summary: 'Reads the host file again',
    answers: plain(done),
    run: async (control) => {
      await control.reload();
      return { json: { done: true } };
    },
  }),
  ...(['start', 'stop', 'restart'] as const).map((verb) =>
    route({
      method: 'POST',
      path: `/v1/workers/:name/${verb}`,
      summary: `${verb} a worker, and wait for how it comes out`,
      body: wire.handRequest,
      answers: plain(wire.outcomeDocument),
      run: async (control, { worker, body, signal }) => ({ json: await control[verb](worker, body.waitMs, by, signal) }),
    }),
  ),
  route({
    method: 'POST',
    path: '/v1/workers/:name/run',
    summary: 'Begins a run of a job, or of a worker with a schedule',
    body: wire.handRequest,
    answers: plain(wire.runDocument),
    run: async (control, { worker, body, signal }) => ({ json: await control.run(worker, body.waitMs, by, signal) }),
  }),
  route({
    method: 'GET',
    path: '/v1/workers/:name/run',
    summary: 'Waits for the next instance of a run, or for its end',
    query: runQuery,
    answers: plain(wire.runDocument),
    run: async (control, { worker, query: { run = null, after = null, wait = 0 }, signal }) => ({
      json: await control.awaitRun(worker, run, after, wait, signal),
    }),
  }),
  route({
    method: 'POST',
    path: '/v1/workers/:name/cancel',
    summary: 'Calls the run that is under way off, and waits for its end',
    body: wire.cancelRequest,
    answers: plain(wire.runDocument),
    run: async (control, { worker, body, signal }) => ({ json: await control.cancelRun(worker, body.run ?? null, body.waitMs, by, signal) }),
  }),
  route({
    method: 'POST',
    path: '/v1/workers/:name/kill',
    summary: 'Sends a signal to a worker',
    body: wire.killRequest,
    answers: plain(done),
    run: async (control, { worker, body }) => {
      await control.kill(worker, body.signal, by);
      return { json: { done: true } };
    },
  }),
];

/** Methods that a path has, to tell a wrong method from a wrong path. */
export function methodsOf(path: string): readonly string[] {
  return routes.filter((one) => patternOf(one.path).test(path)).map(({ method }) => method);
}

const patternOf = (path: string): RegExp => new RegExp(`^${path.replaceAll('.', '\\.').replace(':name', '[^/]+')}$`);
