import { z } from 'zod';
import { portNumber } from './port.ts';
import { duration, someTime } from './quantity.ts';
import { count, flag, looseText, text, word } from './text.ts';
import { command } from './words.ts';

const status = z
  .union([z.int(), z.string()], { error: 'expected a status such as 200, `2xx` or `200-399`' })
  .transform((value, context): readonly [number, number] => {
    const written = String(value);
    const range = /^([1-5])xx$/.test(written) ? [Number(written[0]) * 100, Number(written[0]) * 100 + 99] : written.split('-').map(Number);
    const [from, to = from] = range;
    if (/^([1-5]xx|\d{3}(-\d{3})?)$/.test(written) && from !== undefined && to !== undefined && from >= 100 && to <= 599 && from <= to) return [from, to];
    context.addIssue({ code: 'custom', message: 'expected a status such as 200, `2xx` or `200-399`' });
    return z.NEVER;
  });

const path = z.string({ error: 'expected a path that begins with `/`' }).regex(/^\/[^\s]*$/, { error: 'expected a path that begins with `/`' });

const http = z.union(
  [
    path.transform((value) => ({ path: value })),
    z.strictObject({
      port: portNumber().optional(),
      path: path.optional(),
      scheme: word(['http', 'https']).optional(),
      status: z.union([status.transform((one) => [one]), z.array(status).min(1)]).optional(),
      /** A text that the body must contain. */
      body: text().optional(),
      headers: z.record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: 'expected the name of a header' }), looseText()).optional(),
      host: text('a host name or an address').optional(),
    }),
  ],
  { error: 'expected { port, path, scheme, status, body, headers, host }, or a path' },
);
/** `true` = the worker's first port, `false` = not asked. */
const firstPort = () => flag().transform((isOn): { readonly port?: number } | false => (isOn ? {} : false));
const tcp = z.union([portNumber().transform((port) => ({ port })), z.strictObject({ port: portNumber().optional(), host: text().optional() }), firstPort()], {
  error: 'expected a port, or { port }',
});
const grpc = z.union(
  [
    portNumber().transform((port) => ({ port })),
    z.strictObject({ port: portNumber().optional(), service: text('the name of a service').optional(), tls: flag().optional() }),
    firstPort(),
  ],
  { error: 'expected a port, or { port, service, tls }' },
);

const patternExpected = 'expected a regular expression of JavaScript, at most 1000 characters';
const pattern = z
  .string({ error: patternExpected })
  .min(1, { error: `${patternExpected}; it is empty` })
  .max(1000, { error: patternExpected })
  .superRefine((value, context) => {
    try {
      new RegExp(value);
    } catch (error) {
      // Its message begins with the expression.
      const why = error instanceof Error ? error.message.split(': ').at(-1) : '';
      context.addIssue({ code: 'custom', message: `no regular expression: ${why}` });
    }
  });
const log = z.union([pattern.transform((value) => ({ pattern: value })), z.strictObject({ pattern, stream: word(['stdout', 'stderr']).optional() })], {
  error: 'expected a regular expression, or { pattern, stream }',
});
const file = z.union([text('a path').transform((value) => ({ path: value })), z.strictObject({ path: text('a path'), maxAge: someTime().optional() })], {
  error: 'expected a path, or { path, maxAge }',
});
const exec = z.union([command().transform((words) => ({ command: words })), z.strictObject({ command: command() })], { error: 'expected a command' });

/** Probes that core knows. Each worker may have several: all must be good. */
export const coreProbes = {
  http,
  tcp,
  exec,
  grpc,
  log,
  file,
  notify: z.union(
    [flag().transform((isOn): { readonly watchdog?: number | undefined } | false => (isOn ? {} : false)), z.strictObject({ watchdog: someTime().optional() })],
    {
      error: 'expected true, or { watchdog: 10s }',
    },
  ),
  image: flag(),
  mcp: z.strictObject({ port: portNumber().optional(), path: path.optional() }),
  generate: z.strictObject({ port: portNumber().optional(), path: path.optional(), model: text().optional(), prompt: text().optional() }),
} as const;

const timings = {
  interval: someTime().optional(),
  timeout: someTime().optional(),
  startPeriod: duration().optional(),
  startInterval: someTime().optional(),
  retries: count(1, 1000).optional(),
  successes: count(1, 1000).optional(),
  minUp: duration().optional(),
  onUnhealthy: z
    .union([word(['restart', 'signal', 'report', 'stop']), z.strictObject({ signal: text('the name of a signal') })], {
      error: 'expected restart, signal, report or stop',
    })
    .optional(),
};

/** What is not a probe in a `health` block. */
export const healthTimings: readonly string[] = Object.keys(timings);

/** `probes`: what plugins bring, by name. */
export const health = (probes: Readonly<Record<string, z.ZodType>> = {}) =>
  z.strictObject(
    {
      ...(Object.fromEntries(Object.entries(coreProbes).map(([name, schema]) => [name, schema.optional()])) as {
        [K in keyof typeof coreProbes]: z.ZodOptional<(typeof coreProbes)[K]>;
      }),
      ...Object.fromEntries(
        Object.entries(probes)
          .filter(([name]) => !(name in coreProbes))
          .map(([name, schema]) => [name, schema.optional()]),
      ),
      ...timings,
    },
    { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'expected one or more of http, tcp, exec … with interval, timeout, retries …') },
  );
