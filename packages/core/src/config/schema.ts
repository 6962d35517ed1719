import { z } from 'zod';
import { wholeOnly } from '../spec/fields.ts';
import { blockFields, emptyRegistry, type Registry, workerSchema } from '../spec/index.ts';
import { workerName } from '../spec/life.ts';
import { networkDefinition } from '../spec/network.ts';
import { policySchema } from '../spec/policy.ts';
import { someTime } from '../spec/quantity.ts';
import { count, text, texts, word } from '../spec/text.ts';
import { volumeDefinition } from '../spec/volume.ts';

const anyMap = () => z.record(z.string(), z.json(), { error: 'expected a map' });
const single = z.union([z.string(), z.number(), z.boolean()], { error: 'expected a text, a number, true or false' });

export const agentSchema = z.strictObject(
  {
    startConcurrency: count(1, 1000).optional(),
    repair: word(['alert', 'start', 'restart']).default('start'),
    apply: word(['manual', 'auto']).default('manual'),
    api: anyMap().optional(),
    engineCommand: text('a command').optional(),
    probes: z.strictObject({ ping: someTime().optional(), facts: someTime().optional() }).optional(),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'expected { startConcurrency, repair, apply }') },
);
export type AgentSettings = z.output<typeof agentSchema>;

const plugin = z.union(
  [
    text('the name of a package or a path such as ./my-runtime.ts'),
    z.strictObject({ use: text('the name of a package or a path such as ./my-runtime.ts'), config: anyMap().optional() }),
  ],
  {
    error: 'expected the name of a package, a path such as ./my-runtime.ts, or { use, config }',
  },
);
const build = z.union(
  [
    text('a folder'),
    z.strictObject({ context: text('a folder'), dockerfile: text().optional(), target: text().optional(), args: z.record(z.string(), single).optional() }),
  ],
  {
    error: 'expected a folder, or { context, dockerfile, target, args }',
  },
);
const image = z.union(
  [
    text('an image reference'),
    z.strictObject({ image: text('an image reference').optional(), build: build.optional(), from: text('a name in `images`').optional() }),
  ],
  {
    error: 'expected an image reference, { image }, or { build, from }',
  },
);
const named = <S extends z.ZodType>(schema: S, what: string) => z.record(workerName(), schema, { error: `expected a map of ${what}` });

/** All of a host file but the workers, whose form depends on the plugins that it names. */
export const topFields = {
  ostler: z.literal(1, { error: 'expected 1, the form that this version reads' }).optional(),
  host: z
    .string({ error: 'expected a host name' })
    .regex(/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/, { error: 'expected a host name of letters, digits, `-` and `.`' })
    .optional(),
  extends: z.union([text('a path'), texts('a path, or a list of paths')]).optional(),
  plugins: z.array(plugin, { error: 'expected a list of plugins' }).max(200).optional(),
  vars: z
    .record(
      z.string(),
      z.union([single, z.strictObject({ env: text(), default: single.optional() }), z.strictObject({ fact: text(), default: single.optional() })]),
    )
    .optional(),
  varsFiles: z.union([text('a path'), texts('a list of paths')]).optional(),
  agent: agentSchema.optional(),
  alerts: anyMap().optional(),
  sync: anyMap().optional(),
  policy: policySchema.optional(),
  images: named(image, 'names and images').optional(),
  volumes: named(volumeDefinition.nullable(), 'volumes').optional(),
  networks: named(networkDefinition.nullable(), 'networks').optional(),
  recover: z.strictObject({ images: text().optional(), containers: text().optional() }).optional(),
} as const;

const looseWorker = z.record(z.string(), z.json(), { error: 'expected a map, the fields of the worker' });

/** What is checked before the plugins are known. */
export const topSchema = z.strictObject({
  ...topFields,
  defaults: z.strictObject({ service: looseWorker.optional(), job: looseWorker.optional(), cron: looseWorker.optional() }).optional(),
  workers: z
    .record(z.string(), z.union([looseWorker], { error: 'expected a map, the fields of the worker' }), { error: 'expected a map of workers' })
    .optional(),
});

/** The whole, with the plugins' own options: for JSON Schema. */
export function hostFileSchema(registry: Registry = emptyRegistry) {
  const worker = workerSchema(registry);
  const defaults = z.strictObject({ ...wholeOnly, ...blockFields(registry) });
  return z.strictObject({
    ...topFields,
    defaults: z.strictObject({ service: defaults.optional(), job: defaults.optional(), cron: defaults.optional() }).optional(),
    workers: named(worker, 'workers').optional(),
  });
}
