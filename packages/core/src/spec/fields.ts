import { z } from 'zod';
import { health } from './health.ts';
import { dependsOn, restart, schedule, signal, stop, update } from './life.ts';
import { networkUses } from './network.ts';
import { ports } from './port.ts';
import { size, someTime } from './quantity.ts';
import { count, env, flag, label, labelExpected, looseText, text, texts, word } from './text.ts';
import { command } from './words.ts';

const anyMap = z.record(z.string(), z.json(), { error: 'expected a map' });
const labelText = () => z.string({ error: labelExpected }).regex(label, { error: labelExpected });

const build = z.union(
  [
    text('a folder').transform((context) => ({ context })),
    z.strictObject({
      context: text('a folder'),
      dockerfile: text('a path').optional(),
      target: text().optional(),
      args: z.record(z.string(), looseText()).optional(),
    }),
  ],
  { error: 'expected a folder, or { context, dockerfile, target, args }' },
);

const from = {
  readOnly: flag().optional(),
  name: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, { error: 'expected letters, digits and `_`, a letter first' })
    .optional(),
};
const mount = z.union(
  [
    z.strictObject({ from: text('a path of this host'), to: text('a path').optional(), ...from }),
    z.strictObject({ volume: labelText(), to: text('a path'), ...from }),
  ],
  { error: 'expected { from: PATH, to: PATH, readOnly } or { volume: NAME, to: PATH }' },
);
const tmpfs = z.union([text('a path').transform((to) => ({ to })), z.strictObject({ to: text('a path'), size: size().optional() })], {
  error: 'expected a path, or { to, size }',
});

const secretRef = text('a reference such as `sops://FILE#/key` or `file:PATH`').regex(/^[a-z][a-z0-9+.-]*:.+/, {
  error: 'expected a reference such as `sops://FILE#/key` or `file:PATH`',
});
const secretFile = z.union(
  [
    secretRef.transform((ref) => ({ ref })),
    z.strictObject({
      ref: secretRef,
      mode: z
        .string({ error: 'expected a mode in quotes, such as "0400"' })
        .regex(/^0?[0-7]{3}$/, { error: 'expected a mode such as "0400"' })
        .optional(),
      uid: count(0, 2 ** 32 - 2).optional(),
    }),
  ],
  { error: 'expected a reference such as `sops://FILE#/key`, or { ref, mode }' },
);
const secrets = z.strictObject({
  files: z.record(z.string().regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,255}$/, { error: 'expected a file name without `/`' }), secretFile).optional(),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'expected a name of letters, digits and `_`' }), secretRef).optional(),
  visibleInInspect: flag().optional(),
});

const cpusExpected = 'expected a number of cores, such as 2 or 0.5';
const limits = z.strictObject({
  cpus: z.number({ error: cpusExpected }).positive({ error: cpusExpected }).max(65_536, { error: cpusExpected }).optional(),
  memory: size().optional(),
  memorySwap: size().optional(),
  pids: count(1, 4_194_304).optional(),
});
const gpu = z.strictObject({
  count: z.union([z.literal('all'), count(1, 1024)], { error: 'expected a number or `all`' }).optional(),
  ids: texts().optional(),
  memory: size().optional(),
  exclusive: flag().optional(),
});
const limit = z.union([z.literal('unlimited').transform(() => -1), count(0, Number.MAX_SAFE_INTEGER)], { error: 'expected a whole number or `unlimited`' });
const ulimit = z.union([limit.transform((both) => ({ soft: both, hard: both })), z.strictObject({ soft: limit, hard: limit })], {
  error: 'expected a whole number, or { soft, hard }',
});
const hook = z.union([command().transform((words) => ({ command: words })), z.strictObject({ command: command(), timeout: someTime().optional() })]);

/** Which fields a block of a class or of a runtime may set again. The rest is the worker's alone. */
export const overridable = {
  image: text('an image').optional(),
  build: build.optional(),
  pull: word(['always', 'missing', 'never']).optional(),
  command: command().optional(),
  shell: text('a line for /bin/sh').optional(),
  entrypoint: command().optional(),
  workingDir: text('a path').optional(),
  user: z
    .union([text('a user'), z.int().min(0)], { error: 'expected a user name or number, with an optional `:group`' })
    .transform(String)
    .optional(),
  groups: z.array(z.union([text(), z.int().min(0)]).transform(String), { error: 'expected a list of groups' }).optional(),
  env: env().optional(),
  envFile: z.union([text('a path').transform((one) => [one]), texts('a list of paths')]).optional(),
  files: anyMap.optional(),
  setup: anyMap.optional(),
  init: flag().optional(),
  tty: flag().optional(),
  ports: ports().optional(),
  mounts: z.array(mount, { error: 'expected a list of mounts' }).max(1000).optional(),
  volumes: z.never({ error: 'a worker has no `volumes`: write `mounts: [{ volume: NAME, to: PATH }]`' }).optional(),
  networks: networkUses().optional(),
  networkMode: z
    .string()
    .regex(/^(host|none|worker:[a-z0-9-]+)$/, { error: 'expected host, none or worker:NAME' })
    .optional(),
  hostname: text('a host name').optional(),
  devices: texts().optional(),
  tmpfs: z.array(tmpfs, { error: 'expected a list of paths' }).optional(),
  shm: size().optional(),
  dns: texts().optional(),
  extraHosts: z.record(z.string(), text('an address')).optional(),
  labels: z.record(z.string(), looseText()).optional(),
  limits: limits.optional(),
  gpu: gpu.optional(),
  noNewPrivileges: flag().optional(),
  capabilities: z.strictObject({ add: texts().optional(), drop: texts().optional() }).optional(),
  readOnly: flag().optional(),
  ulimits: z.record(z.string().regex(/^[a-z]+$/, { error: 'expected the name of a limit, such as nofile' }), ulimit).optional(),
  sysctls: z.record(z.string(), looseText()).optional(),
  sandbox: z.union([flag(), anyMap], { error: 'expected true, false or a map' }).optional(),
  privileged: flag().optional(),
  restart: restart().optional(),
  stop: stop().optional(),
  reload: z.union([z.strictObject({ signal: signal() }), z.strictObject({ command: command() })], { error: 'expected { signal } or { command }' }).optional(),
  hooks: z.strictObject({ afterStart: hook.optional(), beforeStop: hook.optional() }).optional(),
  logs: z.strictObject({ maxSize: size().optional(), maxFiles: count(1, 1000).optional() }).optional(),
} as const;

/** Fields of the worker as a whole. `health` is added with the probes that plugins bring. */
export const wholeOnly = {
  description: text().optional(),
  runtime: z
    .union([text('the name of a runtime').transform((one) => [one]), texts('the name of a runtime, or a list of them').min(1)], {
      error: 'expected the name of a runtime, or a list of them',
    })
    .optional(),
  kind: word(['service', 'job', 'cron']).optional(),
  secrets: secrets.optional(),
  priority: count(0, 1000).optional(),
  enabled: flag().optional(),
  profiles: texts().optional(),
  schedule: schedule().optional(),
  dependsOn: dependsOn().optional(),
  needsMounts: texts('a list of paths').optional(),
  update: update().optional(),
  onSecretChange: z
    .union([word(['restart', 'reload', 'nothing']), z.strictObject({ signal: signal() })], { error: 'expected restart, reload, nothing or { signal }' })
    .optional(),
  expose: anyMap.optional(),
  alerts: z.union([texts(), anyMap], { error: 'expected a list of alert channels, or a map' }).optional(),
  recover: z.strictObject({ images: text().optional(), containers: text().optional() }).optional(),
} as const;

/** What the `container:` block has beyond the fields of a worker. */
export const containerOnly = {
  name: text().optional(),
  platform: text('a platform such as linux/arm64').optional(),
  pid: text().optional(),
  ipc: text().optional(),
  userns: text().optional(),
  seccomp: text().optional(),
  apparmor: text().optional(),
  selinux: text().optional(),
  logDriver: text().optional(),
} as const;

/** What `health` in a block may set: the same as in the worker. */
export const healthField = (probes: Readonly<Record<string, z.ZodType>> = {}) => health(probes).optional();
