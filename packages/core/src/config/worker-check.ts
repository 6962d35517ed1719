import type { z } from 'zod';
import { z as zod } from 'zod';
import { containerOnly, wholeOnly } from '../spec/fields.ts';
import {
  blockFields,
  classes,
  fieldNames,
  isMap,
  knownPackages,
  nearest,
  onceFor,
  parseContext,
  preferenceOf,
  type Registry,
  readWorker,
  splitBlock,
} from '../spec/index.ts';
import { addIssues, type Context, type Faults, unknownField } from './issues.ts';
import { type MapNode, nodeAt, type Path, placeAt, toJson } from './node.ts';
import { notYet, refuseNotYet } from './not-yet.ts';
import { checkTimes } from './times.ts';
import { refuseLossyTexts } from './worker-node.ts';

const mapOfFields = { error: (issue: { readonly code: string }) => (issue.code === 'unrecognized_keys' ? undefined : 'expected a map of fields') };
const ownSchema = onceFor((registry) => zod.strictObject({ ...wholeOnly, ...blockFields(registry) }));
const fieldsSchema = onceFor((registry) => zod.strictObject(blockFields(registry)));
const classSchema = onceFor((registry) => zod.strictObject(blockFields(registry), mapOfFields));
const containerSchema = onceFor((registry) => zod.strictObject({ ...blockFields(registry), ...containerOnly }, mapOfFields));

/** Checks one worker against the schema and the loaded plugins. `name`: the key in `workers`. */
export function checkWorker(name: string, worker: MapNode, registry: Registry, faults: Faults): void {
  const prefix = `workers.${name}`;
  refuseLossyTexts(worker, registry, faults, prefix);
  const provided = [...(registry.probes?.keys() ?? [])].map((probe) => `health.${probe}`);
  refuseNotYet(faults, worker, notYet.worker, prefix, provided);
  const written = toJson(worker);
  if (!isMap(written)) return;

  const fields = blockFields(registry);
  const own = { ...wholeOnly, ...fields };
  const blocks = [...classes, ...registry.runtimes.keys(), ...Object.keys(knownPackages)];
  const context: Context = { node: worker, prefix, known: knownFields(registry, [...Object.keys(own), ...blocks]), why: whyNot };
  const flat: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(written)) {
    if (Object.hasOwn(own, key)) flat[key] = value;
    else if (key === 'imageChain') {
      if (!worker.entries.has('image')) unknownField(faults, [key], context);
    } else if (!blocks.includes(key)) unknownField(faults, [key], context);
  }
  const before = faults.count;
  report(ownSchema(registry), flat, [], faults, context);
  for (const part of classes) checkBlock(part, written[part], part === 'container' ? containerSchema(registry) : classSchema(registry), faults, context);
  for (const [runtime, entry] of registry.runtimes) {
    if ((classes as readonly string[]).includes(runtime)) continue;
    const block = written[runtime];
    if (block !== undefined && !isMap(block))
      faults.invalid(`${prefix}.${runtime}: expected a map, the block of the runtime ${runtime}`, placeAt(worker, [runtime]));
    if (!isMap(block)) continue;
    const split = splitBlock(block, entry.options, registry);
    const ownNames = fieldNames(entry.options);
    report(fieldsSchema(registry), split.fields, [runtime], faults, context);
    const strange = ownNames ? Object.keys(split.options).filter((key) => !ownNames.includes(key) && key !== 'imageChain') : [];
    for (const key of strange) unknownField(faults, [runtime, key], context);
    const rest = Object.fromEntries(Object.entries(split.options).filter(([key]) => !strange.includes(key) && key !== 'imageChain'));
    report(entry.options, rest, [runtime], faults, context);
  }
  checkRuntime(name, worker, registry, faults);
  checkTimes(worker, prefix, faults);
  checkSecrets(worker, prefix, registry, faults);
  if (faults.count === before) checkWhole(name, worker, registry, faults, context);
}

/** What only shows when the blocks are laid over each other. */
function checkWhole(name: string, worker: MapNode, registry: Registry, faults: Faults, context: Context): void {
  const written = toJson(worker);
  for (const runtime of preferenceOf(written, registry)) {
    const entry = registry.runtimes.get(runtime);
    if (!entry) continue;
    const read = readWorker(written, { name, runtime, baseDir: '/', registry });
    if (read.ok) {
      const { spec } = read.normal;
      if (entry.class === 'process') checkProcess(worker, spec, runtime, context.prefix, faults);
      if (entry.class === 'container' && spec.images.length === 0 && isMap(written) && !('build' in written))
        faults.invalid(`${context.prefix} has no image, which the runtime ${runtime} needs`, placeAt(worker, []), 'Give it an `image:`.');
      continue;
    }
    const issues = read.issues.map((issue) => ({ ...issue, path: whereIs(worker, issue.path as Path, [runtime, entry.class]) as PropertyKey[] }));
    addIssues(faults, issues as z.core.$ZodIssue[], context);
  }
}

/** A field may come from a block: then that is the place to change. */
function whereIs(worker: MapNode, path: Path, blocks: readonly string[]): Path {
  return blocks.map((block) => [block, ...path]).find((candidate) => nodeAt(worker, candidate)) ?? path;
}

function checkProcess(
  worker: MapNode,
  spec: { readonly command: unknown; readonly ports: readonly { readonly port: number; readonly publish: { readonly port: number } | null }[] },
  runtime: string,
  prefix: string,
  faults: Faults,
): void {
  if (spec.command === null && runtime === 'native')
    faults.invalid(`${prefix} has no \`command\``, placeAt(worker, []), 'Say what it runs: `command: [node, server.js]`, or `shell: "…"`.');
  for (const [index, port] of spec.ports.entries())
    if (port.publish && port.publish.port !== port.port)
      faults.invalid(
        `${prefix}.ports[${index}]: a process listens on the host itself, so ${port.port} cannot be published as ${port.publish.port}`,
        placeAt(worker, whereIs(worker, ['ports', index], [runtime, 'process'])),
        `Write "${port.port}:${port.port}", and let it listen there: it finds the port in PORT.`,
      );
}

function checkBlock(block: string, value: unknown, schema: z.ZodType, faults: Faults, context: Context): void {
  if (value === undefined) return;
  const rest = isMap(value as never) ? Object.fromEntries(Object.entries(value as object).filter(([key]) => key !== 'imageChain')) : value;
  report(schema, rest, [block], faults, context);
}

function report(schema: z.ZodType, value: unknown, path: Path, faults: Faults, context: Context): void {
  let issues: readonly z.core.$ZodIssue[];
  try {
    const result = schema.safeParse(value, parseContext());
    issues = result.success ? [] : result.error.issues;
  } catch (error) {
    // a plugin's schema may throw in a transform of its own
    faults.invalid(
      `${context.prefix}.${path.join('.')}: the plugin's schema failed: ${error instanceof Error ? error.message : String(error)}`,
      placeAt(context.node, path),
    );
    return;
  }
  addIssues(faults, issues.map((issue) => ({ ...issue, path: [...path, ...issue.path] })) as z.core.$ZodIssue[], context);
}

const whyNot = (key: string): string | null => {
  const told: Readonly<Record<string, string>> = {
    replicas: 'one host runs one of each; clusters have `replicas` in `cluster:`',
    container_name: 'it is `container: { name }`',
    depends_on: 'fields are written in one word, as `dependsOn`',
    healthcheck: 'it is `health`',
  };
  return Object.hasOwn(told, key) ? told[key]! : null;
};

/** Names that would be right at a path of a worker. */
function knownFields(registry: Registry, top: readonly string[]): (path: Path) => readonly string[] {
  return (path) => {
    const [first, ...rest] = path;
    if (first === undefined) return top;
    const fields = blockFields(registry);
    const isClass = (classes as readonly unknown[]).includes(first);
    const runtime = registry.runtimes.get(String(first));
    if (rest.length === 0 && (isClass || runtime))
      return [...Object.keys(fields), ...(first === 'container' ? Object.keys(containerOnly) : []), ...(runtime ? (fieldNames(runtime.options) ?? []) : [])];
    let schema: z.ZodType | undefined = isClass || runtime ? zod.object(fields) : zod.object({ ...wholeOnly, ...fields });
    for (const step of isClass || runtime ? rest : path) schema = schema && inner(schema, step);
    return schema ? namesOf(schema) : [];
  };
}

type Def = {
  readonly type?: string;
  readonly shape?: Record<string, z.ZodType>;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
};
const defOf = (schema: z.ZodType): Def => (schema as unknown as { _zod: { def: Def } })._zod.def;

function shapes(schema: z.ZodType): readonly Def[] {
  const def = defOf(schema);
  if (def.options) return def.options.flatMap(shapes);
  const next = def.innerType ?? (def.type === 'pipe' ? def.in : undefined);
  return next ? shapes(next) : [def];
}
const namesOf = (schema: z.ZodType): readonly string[] => [...new Set(shapes(schema).flatMap((def) => Object.keys(def.shape ?? {})))];
function inner(schema: z.ZodType, step: string | number): z.ZodType | undefined {
  for (const def of shapes(schema)) {
    const next = typeof step === 'number' ? def.element : (def.shape?.[step] ?? def.valueType);
    if (next) return next;
  }
  return undefined;
}

function checkRuntime(name: string, worker: MapNode, registry: Registry, faults: Faults): void {
  const wanted = preferenceOf(toJson(worker), registry);
  const isAnyThere = wanted.some((runtime) => registry.runtimes.has(runtime));
  const known = [...registry.runtimes.keys()].sort();
  const node = nodeAt(worker, ['runtime']);
  for (const [index, runtime] of wanted.entries()) {
    if (registry.runtimes.has(runtime)) continue;
    const bringer = knownPackages[runtime];
    // in a list, a runtime that ostler knows of may be missing on this host: the next one is taken
    if (isAnyThere && bringer) continue;
    const near = bringer ? null : nearest(runtime, [...known, ...Object.keys(knownPackages)]);
    faults.add({
      code: 'runtime-unknown',
      message: `workers.${name}.runtime: no loaded plugin brings the runtime \`${runtime}\`; there ${known.length === 1 ? 'is' : 'are'}: ${known.join(', ') || 'none'}`,
      place: placeAt(worker, node?.is === 'list' ? ['runtime', index] : ['runtime']),
      hint: bringer
        ? `It comes with ${bringer}: \`npm install ${bringer}\` in the folder of the host file, and name it in \`plugins\`.`
        : near
          ? `Did you mean \`${near}\`?`
          : 'Name the package that brings it in `plugins`.',
    });
  }
}

function checkSecrets(worker: MapNode, prefix: string, registry: Registry, faults: Faults): void {
  if (!registry.secrets) return;
  const schemes = ['file', ...registry.secrets];
  for (const part of ['files', 'env']) {
    const group = nodeAt(worker, ['secrets', part]);
    if (group?.is !== 'map') continue;
    for (const [key, entry] of group.entries) {
      const ref = entry.value.is === 'map' ? entry.value.entries.get('ref')?.value : entry.value;
      const scheme = ref?.is === 'scalar' && typeof ref.value === 'string' ? /^([a-z][a-z0-9+.-]*):/.exec(ref.value)?.[1] : undefined;
      if (!scheme || !ref || schemes.includes(scheme)) continue;
      const near = nearest(scheme, schemes);
      faults.invalid(
        `${prefix}.secrets.${part}.${key}: no loaded plugin reads \`${scheme}:\` secrets; there are: ${schemes.map((one) => `${one}:`).join(' ')}`,
        ref.at,
        near ? `Did you mean \`${near}:\`?` : 'Name the plugin that reads it in `plugins`.',
      );
    }
  }
}
