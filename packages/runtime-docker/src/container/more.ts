import type { Json, NetworkUse, WorkerSpec } from '@ostler/sdk';

/** Fields of `spec.more` that containers honour. */
export const honoured = [
  'capabilities',
  'container',
  'devices',
  'dns',
  'extraHosts',
  'hostname',
  'networkMode',
  'networks',
  'privileged',
  'pull',
  'shm',
  'sysctls',
] as const;

/** What the `container:` block may say. */
export const containerHonoured = ['apparmor', 'ipc', 'logDriver', 'pid', 'platform', 'seccomp', 'selinux', 'userns'] as const;

/** Log drivers whose logs the engine gives back. */
export const readableLogDrivers = ['json-file', 'local', 'journald'] as const;

/** {@link WorkerSpec.more} with the shapes that the host file's schema let through. */
export interface More {
  readonly capabilities: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly container: { readonly [name in (typeof containerHonoured)[number]]?: string } & Readonly<Record<string, string>>;
  readonly devices: readonly string[];
  readonly dns: readonly string[];
  readonly extraHosts: Readonly<Record<string, string>>;
  readonly hostname: string | null;
  /** `host`, `none`, `worker:NAME`; `null` = the networks below. */
  readonly networkMode: string | null;
  /** `null` = the network of this host's workers. */
  readonly networks: Readonly<Record<string, NetworkUse>> | null;
  readonly privileged: boolean;
  readonly shmBytes: number | null;
  readonly sysctls: Readonly<Record<string, string>>;
}

export function moreOf({ more }: WorkerSpec): More {
  const map = <T>(name: string): T => (more[name] ?? {}) as T;
  const list = (name: string): readonly string[] => (more[name] ?? []) as readonly string[];
  const one = <T extends Json>(name: string): T | null => (more[name] ?? null) as T | null;
  return {
    capabilities: map('capabilities'),
    container: map('container'),
    devices: list('devices'),
    dns: list('dns'),
    extraHosts: map('extraHosts'),
    hostname: one('hostname'),
    networkMode: one('networkMode'),
    networks: (more['networks'] ?? null) as More['networks'],
    privileged: more['privileged'] === true,
    shmBytes: one('shm'),
    sysctls: map('sysctls'),
  };
}

/** The worker whose network this one shares; `null` = it has its own. */
export function ownerIn(spec: WorkerSpec): string | null {
  const { networkMode } = moreOf(spec);
  return networkMode?.startsWith('worker:') ? networkMode.slice('worker:'.length) : null;
}
