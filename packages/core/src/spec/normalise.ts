import type { Json, Mount, WorkerKind, WorkerSpec } from '@ostler/sdk';
import type { ZodType, z } from 'zod';
import { preferenceOf } from './choose.ts';
import { imageHealthOf } from './image-health.ts';
import { usesOf } from './network.ts';
import { isMap, layBlocks, type Written } from './overlay.ts';
import { parseContext } from './parse.ts';
import { absolute } from './path.ts';
import { toPort } from './port.ts';
import type { Registry, RuntimeClass } from './registry.ts';
import type { WorkerRules } from './rules.ts';
import { rulesOf, stopOf } from './supervision.ts';
import { volumeOf } from './volume.ts';
import { type Flat, flatSchema } from './worker.ts';

export interface Reading {
  readonly name: string;
  readonly runtime: string;
  readonly baseDir: string;
  readonly registry: Registry;
}
export interface Normal {
  readonly spec: WorkerSpec;
  readonly rules: WorkerRules;
  /** The parsed fields, for comparing: durations in ms, sizes in bytes, defaults not filled in. */
  readonly flat: Flat;
}
export type Read = { readonly ok: true; readonly normal: Normal } | { readonly ok: false; readonly issues: readonly z.core.$ZodIssue[] };

/**
 * One worker as one runtime sees it, from what stands in the store or came from the file. Never throws: what does not fit today's schema comes
 * back as issues, with paths in the laid-over worker.
 */
export function readWorker(written: Json, reading: Reading): Read {
  if (!isMap(written)) return { ok: false, issues: [{ code: 'custom', path: [], message: 'expected a map, the fields of the worker', input: written }] };
  const entry = reading.registry.runtimes.get(reading.runtime);
  const runtimeClass = entry?.class ?? 'process';
  const { flat, options } = layBlocks(written, reading.runtime, runtimeClass, reading.registry);
  const fields = flatSchema(reading.registry).safeParse(flat, parseContext());
  const parsed = (entry?.options ?? null) as ZodType | null;
  const own = parsed ? parsed.safeParse(options, parseContext()) : ({ success: true, data: options } as const);
  const issues = [
    ...(fields.success ? [] : fields.error.issues),
    ...(own.success ? [] : own.error.issues.map((issue) => ({ ...issue, path: [reading.runtime, ...issue.path] }))),
  ];
  if (!fields.success || !own.success) return { ok: false, issues };
  const kind = kindOf(fields.data);
  return {
    ok: true,
    normal: {
      flat: fields.data,
      spec: specOf(fields.data, own.data, kind, runtimeClass, reading),
      rules: rulesOf(fields.data, kind, runtimeClass, reading.registry, reading.baseDir),
    },
  };
}

const normals = new WeakMap<Written, { readonly reading: Reading; readonly normal: Normal }>();
const isSameReading = (a: Reading, b: Reading): boolean => a.name === b.name && a.runtime === b.runtime && a.baseDir === b.baseDir && a.registry === b.registry;

/**
 * The same, throwing where the caller knows that it fits: what `checkWorkers` let through. Read once for each object, since what is written is never
 * changed, and a host file that stays as it is comes as the same objects.
 */
export function normalise(written: Json, reading: Reading): Normal {
  const known = isMap(written) ? normals.get(written) : undefined;
  if (known !== undefined && isSameReading(known.reading, reading)) return known.normal;
  const read = readWorker(written, reading);
  if (read.ok && isMap(written)) normals.set(written, { reading, normal: read.normal });
  if (read.ok) return read.normal;
  throw new Error(`worker ${reading.name} does not fit the schema: ${read.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`);
}

export const kindOf = (worker: { readonly kind?: WorkerKind | undefined; readonly schedule?: unknown }): WorkerKind =>
  worker.schedule === undefined ? (worker.kind ?? 'service') : 'cron';

/** What {@link WorkerSpec} has a field for, or core keeps to itself; all else goes to the driver as `more`. */
const known = new Set(
  (
    'description runtime kind image build imageChain command shell entrypoint workingDir user groups env envFile secrets files init tty ports mounts tmpfs labels ' +
    'limits gpu priority noNewPrivileges readOnly ulimits enabled profiles schedule restart stop reload hooks health dependsOn needsMounts update onSecretChange ' +
    'logs expose alerts recover networks networkDefinitions volumeDefinitions'
  ).split(' '),
);

function specOf(flat: Flat, options: unknown, kind: WorkerKind, runtimeClass: RuntimeClass, reading: Reading): WorkerSpec {
  const { name, baseDir } = reading;
  const isProcess = runtimeClass === 'process';
  return {
    name,
    kind,
    command: flat.shell === undefined ? (flat.command ?? null) : ['/bin/sh', '-c', flat.shell],
    entrypoint: flat.entrypoint ?? null,
    workingDir: flat.workingDir === undefined ? null : isProcess ? absolute(baseDir, flat.workingDir) : flat.workingDir,
    user: flat.user ?? null,
    groups: flat.groups ?? [],
    env: flat.env ?? {},
    ports: (flat.ports ?? []).map((port) => toPort(port, isProcess)),
    mounts: mountsOf(flat, isProcess, baseDir),
    limits: {
      cpus: flat.limits?.cpus ?? null,
      memoryBytes: flat.limits?.memory ?? null,
      memorySwapBytes: flat.limits?.memorySwap ?? null,
      pids: flat.limits?.pids ?? null,
    },
    gpu: flat.gpu
      ? { count: flat.gpu.count ?? null, ids: flat.gpu.ids ?? [], memoryBytes: flat.gpu.memory ?? null, exclusive: flat.gpu.exclusive ?? false }
      : null,
    stop: stopOf(flat, runtimeClass),
    logs: { maxSizeBytes: flat.logs?.maxSize ?? 10 * 2 ** 20, maxFiles: flat.logs?.maxFiles ?? 5 },
    notify: flat.health?.notify ? { watchdogMs: flat.health.notify.watchdog ?? null } : null,
    imageHealth: imageHealthOf(flat, kind, runtimeClass),
    noNewPrivileges: flat.noNewPrivileges ?? true,
    readOnly: flat.readOnly ?? false,
    // A container's first process must reap and take signals; a process of the host has an init already.
    init: flat.init ?? runtimeClass === 'container',
    tty: flat.tty ?? false,
    labels: flat.labels ?? {},
    ulimits: flat.ulimits ?? {},
    images: isProcess && hasContainerToo(flat, reading) ? [] : imagesOf(flat, name, baseDir),
    more: { ...rest(flat), ...networksOf(flat, isProcess) },
    baseDir,
    options,
  };
}

function mountsOf(flat: Flat, isProcess: boolean, baseDir: string): readonly Mount[] {
  const variable = (path: string) => (path.split('/').filter(Boolean).at(-1) ?? 'ROOT').toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
  const mounts = (flat.mounts ?? []).map((mount): Mount => {
    const source = 'from' in mount ? { path: absolute(baseDir, mount.from) } : volumeNamed(mount.volume, flat);
    const to = mount.to ?? ('path' in source ? source.path : '/');
    return { from: source, to, readOnly: mount.readOnly ?? false, name: mount.name ?? (isProcess ? variable(to) : null) };
  });
  const memory = (flat.tmpfs ?? []).map(
    (entry): Mount => ({ from: { tmpfsBytes: 'size' in entry ? (entry.size ?? null) : null }, to: entry.to, readOnly: false, name: null }),
  );
  return [...mounts, ...memory];
}

/** One file serves a worker on several runtimes: its image is what it runs where that is one of containers. */
const hasContainerToo = (flat: Flat, { registry }: Reading): boolean =>
  preferenceOf(flat as Json, registry).some((name) => registry.runtimes.get(name)?.class === 'container');

function imagesOf(flat: Flat, name: string, baseDir: string): WorkerSpec['images'] {
  const chain = flat.imageChain ?? (flat.image === undefined ? [] : [{ name: flat.image, reference: flat.image, build: null }]);
  const links = chain.map((link) => ({ ...link, build: link.build ? { ...link.build, context: absolute(baseDir, link.build.context) } : null }));
  if (!flat.build) return links;
  const { context } = flat.build;
  const more =
    'args' in flat.build || 'dockerfile' in flat.build || 'target' in flat.build
      ? (flat.build as { dockerfile?: string; target?: string; args?: Record<string, string> })
      : {};
  return [
    {
      name,
      reference: null,
      build: { context: absolute(baseDir, context), dockerfile: more.dockerfile ?? null, target: more.target ?? null, args: more.args ?? {}, from: null },
    },
  ];
}

function volumeNamed(volume: string, { volumeDefinitions = {} }: Flat) {
  const written = Object.hasOwn(volumeDefinitions, volume) ? volumeDefinitions[volume] : undefined;
  return { volume, ...(written === undefined ? {} : { definition: volumeOf(written) }) };
}

const rest = (flat: Flat): Readonly<Record<string, Json>> =>
  Object.fromEntries(Object.entries(flat).filter(([key, value]) => !known.has(key) && value !== undefined)) as Readonly<Record<string, Json>>;

/** Of a process only what it names itself: its driver refuses it. */
function networksOf(flat: Flat, isProcess: boolean): Readonly<Record<string, Json>> {
  const uses = isProcess && flat.networks === undefined ? null : usesOf(flat, flat.networkDefinitions);
  return uses === null ? {} : { networks: uses as unknown as Json };
}
