import { z } from 'zod';
import type { Control } from './control.ts';
import * as wire from './wire.ts';

/** Who asks over the socket: its owner. */
const by = 'the command';

export interface Asked<Q, B> {
  /** Checked: a DNS label. Empty where the path has none. */
  readonly worker: string;
  readonly query: Q;
  readonly body: B;
  /** Aborts when the client goes. */
  readonly signal: AbortSignal;
}

/** A route of plain JSON: fastify and the OpenAPI document both come from it. */
export interface Route<Q extends z.ZodType = z.ZodType, B extends z.ZodType = z.ZodType> {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly summary: string;
  readonly query?: Q;
  readonly body?: B;
  readonly answer: z.ZodType;
  run(control: Control, asked: Asked<z.output<Q>, z.output<B>>): unknown;
}

const route = <Q extends z.ZodType = z.ZodType, B extends z.ZodType = z.ZodType>(one: Route<Q, B>): Route => one as unknown as Route;

const time = z.iso.datetime({ offset: true, error: 'expected a time such as 2030-01-31T12:00:00Z' });
const nothing = z.object({ done: z.literal(true) });
const flag = z.enum(['0', '1', 'true', 'false']).transform((text) => text === '1' || text === 'true');
const whole = z
  .string()
  .regex(/^\d{1,9}$/, { error: 'expected a whole number' })
  .transform(Number);

export const logsQuery = z.strictObject({ follow: flag.optional(), tail: whole.optional(), since: time.optional(), instance: z.string().max(64).optional() });
export const eventsQuery = z.strictObject({
  after: z
    .string()
    .regex(/^\d{1,15}$/, { error: 'expected a cursor, a number' })
    .optional(),
  since: time.optional(),
  worker: z.string().max(63).optional(),
  limit: whole.optional(),
});
export const execQuery = z.strictObject({
  argv: z.string().transform((text, context) => {
    try {
      const words = z.array(z.string().max(131_072)).min(1).max(4096).safeParse(JSON.parse(text));
      if (words.success) return words.data;
    } catch {}
    context.addIssue({ code: 'custom', message: 'expected a JSON list of texts, the command' });
    return z.NEVER;
  }),
  tty: flag.optional(),
  user: z.string().max(256).optional(),
});

export const routes: readonly Route[] = [
  route({ method: 'GET', path: '/v1/ps', summary: 'The workers as they are now', answer: wire.psDocument, run: (control) => control.ps() }),
  route({
    method: 'GET',
    path: '/v1/stats',
    summary: 'What the running workers have used',
    answer: wire.statsDocument,
    run: (control, { signal }) => control.stats(signal),
  }),
  route({ method: 'GET', path: '/v1/agent', summary: 'This agent', answer: wire.agentDocument, run: (control) => control.agent() }),
  route({ method: 'GET', path: '/v1/runtimes', summary: 'The runtimes of this host', answer: wire.runtimesDocument, run: (control) => control.runtimes() }),
  route({ method: 'GET', path: '/v1/plugins', summary: 'The plugins that are loaded', answer: wire.pluginsDocument, run: (control) => control.plugins() }),
  route({
    method: 'GET',
    path: '/v1/doctor',
    summary: 'What the agent knows of its own health',
    answer: wire.doctorDocument,
    run: (control) => control.doctor(),
  }),
  route({
    ...{ method: 'GET', path: '/v1/events', summary: 'The journal; as server-sent events with `Accept: text/event-stream`' },
    query: eventsQuery,
    answer: wire.eventsDocument,
    run: async (control, { query: { after = null, since = null, worker = null, limit = null } }) => ({
      version: 1,
      events: await control.events({ after, since, worker, limit }),
    }),
  }),
  route({
    method: 'POST',
    path: '/v1/plan',
    summary: 'What would change, and why',
    body: wire.planRequest,
    answer: wire.planDocument,
    run: (control, { body, signal }) => control.plan(body, signal),
  }),
  route({
    method: 'POST',
    path: '/v1/apply',
    summary: 'Makes the host file true',
    body: wire.applyRequest,
    answer: wire.outcomeDocument,
    run: (control, { body, signal }) => control.apply(body, by, signal),
  }),
  route({
    method: 'POST',
    path: '/v1/down',
    summary: 'Holds and stops every worker, or ends the agent alone',
    body: wire.downRequest,
    answer: wire.outcomeDocument,
    run: (control, { body, signal }) => control.down(body, by, signal),
  }),
  route({
    ...{ method: 'POST', path: '/v1/reload', summary: 'Reads the host file again', answer: nothing },
    run: async (control) => {
      await control.reload();
      return { done: true };
    },
  }),
  ...(['start', 'stop', 'restart'] as const).map((verb) =>
    route({
      ...{ method: 'POST', path: `/v1/workers/:name/${verb}`, summary: `${verb} a worker, and wait for how it comes out` },
      body: wire.handRequest,
      answer: wire.outcomeDocument,
      run: (control, { worker, body, signal }) => control[verb](worker, body.waitMs, by, signal),
    }),
  ),
  route({
    ...{ method: 'POST', path: '/v1/workers/:name/kill', summary: 'Sends a signal to a worker', body: wire.killRequest, answer: nothing },
    run: async (control, { worker, body }) => {
      await control.kill(worker, body.signal, by);
      return { done: true };
    },
  }),
];

/** Those that answer with a stream, for the document. */
export const streams = [
  {
    method: 'GET',
    path: '/v1/workers/:name/why',
    summary: 'What happened to a worker and why; as lines with `Accept: text/plain`',
    query: z.strictObject({ format: z.enum(['json', 'text']).optional() }),
    type: 'application/json',
  },
  { method: 'GET', path: '/v1/workers/:name/logs', summary: 'What a worker printed, a record a line', query: logsQuery, type: 'application/x-ndjson' },
  {
    method: 'POST',
    path: '/v1/workers/:name/exec',
    summary: 'Runs a command in a worker, over `Upgrade: ostler-exec/1`',
    query: execQuery,
    type: 'application/octet-stream',
  },
  { method: 'GET', path: '/v1/openapi.json', summary: 'This document', query: z.strictObject({}), type: 'application/json' },
] as const;
