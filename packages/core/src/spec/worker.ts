import { z } from 'zod';
import { containerOnly, healthField, overridable, wholeOnly } from './fields.ts';
import { networkDefinition } from './network.ts';
import { fieldNames, type Registry, type RuntimeClass } from './registry.ts';
import { volumeDefinition } from './volume.ts';

export const classes: readonly RuntimeClass[] = ['container', 'process', 'cluster'];

const probeSchemas = (registry: Registry): Readonly<Record<string, z.ZodType>> =>
  Object.fromEntries([...(registry.probes ?? [])].map(([name, probe]) => [name, probe.options]));

/** Made once for each registry: a schema costs far more to make than to use. */
export function onceFor<T>(make: (registry: Registry) => T): (registry: Registry) => T {
  const made = new WeakMap<Registry, { readonly value: T }>();
  return (registry) => {
    const known = made.get(registry) ?? { value: make(registry) };
    made.set(registry, known);
    return known.value;
  };
}

/** Every field that a block of a class or runtime may set again. */
export const blockFields = onceFor((registry) => ({ ...overridable, health: healthField(probeSchemas(registry)) }));

const chainLink = z.strictObject({
  name: z.string(),
  reference: z.string().nullable(),
  build: z
    .strictObject({
      context: z.string(),
      dockerfile: z.string().nullable(),
      target: z.string().nullable(),
      args: z.record(z.string(), z.string()),
      from: z.string().nullable(),
    })
    .nullable(),
});

/** A worker's own fields, without any block. What all blocks are laid over is read by this. */
export const flatSchema = onceFor((registry) =>
  z
    .strictObject({
      ...wholeOnly,
      ...blockFields(registry),
      container: z.strictObject(containerOnly).optional(),
      imageChain: z.array(chainLink).optional(),
      networkDefinitions: z.record(z.string(), networkDefinition).optional(),
      volumeDefinitions: z.record(z.string(), volumeDefinition).optional(),
    })
    .superRefine((worker, context) => {
      const bad = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
      if (worker.shell !== undefined && worker.command !== undefined) bad(['shell'], '`shell` and `command` cannot both be given');
      if (worker.image !== undefined && worker.build !== undefined) bad(['build'], '`image` and `build` cannot both be given');
      if (worker.kind === 'cron' && worker.schedule === undefined) bad(['kind'], 'a cron worker needs a `schedule`');
      if (worker.schedule !== undefined && worker.kind !== undefined && worker.kind !== 'cron')
        bad(['kind'], `a worker with a \`schedule\` is a cron worker, not a ${worker.kind}`);
      if (worker.kind === 'job' && worker.restart && 'policy' in worker.restart && worker.restart.policy === 'always')
        bad(['restart'], '`always` cannot be the policy of a job, which ends; expected on-failure, on-success or never');
      if (worker.schedule !== undefined && worker.restart && 'policy' in worker.restart && worker.restart.policy === 'always')
        bad(['restart'], '`always` cannot be the policy of a cron worker, which ends; expected on-failure or never');
      const isService = worker.schedule === undefined && (worker.kind ?? 'service') === 'service';
      for (const field of ['maxAge', 'at'] as const)
        if (!isService && worker.restart && field in worker.restart)
          bad(['restart', field], `\`${field}\` is for services: a ${worker.schedule === undefined ? 'job' : 'cron worker'} ends by itself`);
      if (worker.gpu?.count !== undefined && worker.gpu.ids !== undefined) bad(['gpu', 'ids'], '`count` and `ids` cannot both be given');
      const first = worker.ports?.[0];
      for (const kind of ['http', 'tcp', 'grpc', 'mcp', 'generate'] as const) {
        const probe = worker.health?.[kind] as { port?: number } | undefined;
        if (probe && probe.port === undefined && !first) bad(['health', kind], 'which port? the worker has no `ports`, so `port` is needed');
      }
    }),
);
export type Flat = z.output<ReturnType<typeof flatSchema>>;

/** Options of a runtime in the worker's block, next to worker fields that the block overrides. */
export function splitBlock(block: Readonly<Record<string, unknown>>, options: z.ZodType, registry: Registry) {
  const own = fieldNames(options);
  const fields = blockFields(registry);
  const isField = (key: string) => Object.hasOwn(fields, key) && !own?.includes(key);
  const entries = Object.entries(block);
  return { fields: Object.fromEntries(entries.filter(([key]) => isField(key))), options: Object.fromEntries(entries.filter(([key]) => !isField(key))) };
}

/**
 * The whole worker as a person writes it: own fields, a block for each class, a block for each loaded runtime. Strict throughout: unknown keys
 * are issues. Made for checking and for JSON Schema; reading goes through `readWorker`, which lays the blocks over each other first.
 */
export function workerSchema(registry: Registry) {
  const fields = blockFields(registry);
  const blocks: Record<string, z.ZodType> = {
    container: z.strictObject({ ...fields, ...containerOnly }).optional(),
    process: z.strictObject(fields).optional(),
    cluster: z.looseObject(fields).optional(),
  };
  for (const [name, runtime] of registry.runtimes) {
    if (name in blocks || Object.hasOwn(fields, name) || Object.hasOwn(wholeOnly, name)) continue;
    const shape = (runtime.options as unknown as { shape?: Record<string, z.ZodType> }).shape;
    blocks[name] = (fieldNames(runtime.options) && shape ? z.strictObject({ ...fields, ...shape }) : z.looseObject(fields)).optional();
  }
  return z.strictObject({ ...wholeOnly, ...fields, ...blocks });
}
