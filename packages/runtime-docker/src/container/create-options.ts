import type { EngineFacts, InstanceRef, Run } from '@ostler/sdk';
import type { ImageJson } from '../engine/json.ts';
import { refusal } from '../errors.ts';
import type { Flavour } from '../flavour.ts';
import { endpointOf } from '../network/join.ts';
import type { Joined } from '../network/networks.ts';
import { receiverCommand } from '../secret/environment.ts';
import { gpuRequests } from './gpu-requests.ts';
import { labels, labelsOf } from './identity.ts';
import { healthcheckOf } from './image-health.ts';
import { type More, moreOf } from './more.ts';
import { mountOptions, secretsPath, tmpfsOptions } from './mounts.ts';

export interface CreateGiven {
  readonly ref: InstanceRef;
  readonly run: Run;
  /** The engine's own view of the pinned image. */
  readonly image: ImageJson;
  /** What the container is made from: a name with a digest, or an id. */
  readonly imageName: string;
  readonly store: string;
  /** On the host; `null` = no secret files. */
  readonly secretsDir: string | null;
  /** Those that it is on, of which the engine takes the first with the container; none = it has a network mode of its own. */
  readonly networks: readonly Joined[];
  /** Id of the container whose network it joins; `null` = it has its own. */
  readonly owner: string | null;
  /** A profile, or `unconfined`; `null` = the engine's own. */
  readonly seccomp: string | null;
  readonly limits: EngineFacts['limits'];
  readonly flavour: Flavour;
}

/** The body of `POST /containers/create`. Pure. Throws `invalid` for an environment that cannot be set, and for a check that its image has not. */
export function createOptions(given: CreateGiven) {
  const { ref, run, imageName, store, networks, owner } = given;
  const [first] = networks;
  const ports = run.spec.ports.map(({ port, protocol }) => `${String(port)}/${protocol}`);
  const { spec } = run;
  const more = moreOf(spec);
  const hasSecretEnv = Object.keys(run.secrets.env).length > 0;
  return {
    Image: imageName,
    ...argvOf(given, hasSecretEnv),
    Env: environmentOf(given),
    Labels: { ...spec.labels, ...labelsOf(ref, store), ...(owner === null ? {} : { [labels.ports]: ports.join(',') }) },
    // Without one it has its image's.
    ...(spec.stop.signal === null ? {} : { StopSignal: spec.stop.signal }),
    ...healthcheckOf(spec, given.image, given.flavour),
    Tty: spec.tty,
    // The stdin through which secret variables come ends with whoever brings them.
    ...(hasSecretEnv ? { OpenStdin: true, StdinOnce: true, AttachStdin: true } : {}),
    ...(spec.workingDir === null ? {} : { WorkingDir: spec.workingDir }),
    ...(spec.user === null ? {} : { User: spec.user }),
    ...(more.hostname === null ? {} : { Hostname: more.hostname }),
    // Whoever shares a network can expose nothing on it.
    ...(owner === null ? { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) } : {}),
    HostConfig: hostConfig(given, more),
    ...(first === undefined ? {} : { NetworkingConfig: { EndpointsConfig: { [first.name]: endpointOf(first, spec.name, run.traffic === 'live') } } }),
  };
}

function argvOf({ run: { spec }, image }: CreateGiven, hasSecretEnv: boolean) {
  if (!hasSecretEnv) return { ...(spec.command === null ? {} : { Cmd: spec.command }), ...(spec.entrypoint === null ? {} : { Entrypoint: spec.entrypoint }) };
  const { Entrypoint, Cmd } = image.Config ?? {};
  const entrypoint = spec.entrypoint ?? (typeof Entrypoint === 'string' ? ['/bin/sh', '-c', Entrypoint] : (Entrypoint ?? []));
  // As the engine does it: an entrypoint of one's own leaves the image's Cmd out.
  const command = spec.command ?? (spec.entrypoint === null ? (Cmd ?? []) : []);
  return { Entrypoint: receiverCommand, Cmd: [...entrypoint, ...command] };
}

function environmentOf({ ref, run, secretsDir }: CreateGiven): readonly string[] {
  const mounts = run.spec.mounts.flatMap(({ name, to }) => (name === null ? [] : [[`OSTLER_MOUNT_${name.toUpperCase()}`, to]]));
  const all: Readonly<Record<string, string>> = {
    ...Object.fromEntries(mounts),
    ...run.spec.env,
    ...run.env,
    OSTLER_AGENT: ref.agent,
    OSTLER_WORKER: ref.worker,
    OSTLER_INSTANCE: ref.instance,
    ...(secretsDir === null ? {} : { OSTLER_SECRETS: secretsPath }),
  };
  return Object.entries(all).map(([name, value]) => {
    if (name === '' || name.includes('=') || name.includes('\0') || value.includes('\0'))
      throw refusal('invalid', `the variable ${JSON.stringify(name)} cannot be set`);
    return `${name}=${value}`;
  });
}

function hostConfig(given: CreateGiven, more: More) {
  const { run, image, secretsDir, networks, owner, flavour } = given;
  const { pid, ipc, userns } = more.container;
  const { spec } = run;
  const devices = more.devices.map((text) => {
    const [host = '', inside = host, permissions = 'rwm'] = text.split(':');
    return { PathOnHost: host, PathInContainer: inside, CgroupPermissions: permissions };
  });
  const requests = spec.gpu === null ? [] : gpuRequests(spec.gpu, run.gpus, flavour);
  return {
    NetworkMode: owner === null ? (networks[0]?.name ?? more.networkMode ?? 'none') : `container:${owner}`,
    // One supervisor: two of them fight.
    RestartPolicy: { Name: 'no' },
    // Of the host's processes an init of its own is none, and Podman refuses it.
    Init: spec.init && pid !== 'host',
    Privileged: more.privileged,
    ...(pid === undefined ? {} : { PidMode: pid }),
    ...(ipc === undefined ? {} : { IpcMode: ipc }),
    ...(userns === undefined ? {} : { UsernsMode: userns }),
    ReadonlyRootfs: spec.readOnly,
    ...limitOptions(given),
    Ulimits: Object.entries(spec.ulimits).map(([Name, { soft, hard }]) => ({ Name, Soft: soft, Hard: hard })),
    CapAdd: more.capabilities.add ?? [],
    CapDrop: more.capabilities.drop ?? [],
    SecurityOpt: securityOptions(given, more),
    GroupAdd: spec.groups,
    Mounts: mountOptions(spec, image, secretsDir),
    Tmpfs: tmpfsOptions(spec),
    Devices: devices,
    Dns: more.dns,
    ExtraHosts: extraHosts(given, more),
    Sysctls: more.sysctls,
    ...(more.shmBytes === null ? {} : { ShmSize: more.shmBytes }),
    ...(requests.length === 0 ? {} : { DeviceRequests: requests }),
    PortBindings: run.traffic === 'live' ? portBindings(given) : {},
    LogConfig: logOptions(given, more),
  };
}

/** An engine without the controller refuses a CPU limit and drops the others: none of them is asked for; `check()` says so. */
function limitOptions({ run: { spec }, limits: held }: CreateGiven) {
  const { cpus, memoryBytes, memorySwapBytes, pids } = spec.limits;
  return {
    ...(cpus === null || held.cpu === 'none' ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
    // Both alike: no swap.
    ...(memoryBytes === null || held.memory === 'none' ? {} : { Memory: memoryBytes, MemorySwap: memorySwapBytes ?? memoryBytes }),
    ...(pids === null || held.pids === 'none' ? {} : { PidsLimit: pids }),
  };
}

function securityOptions({ run: { spec }, seccomp }: CreateGiven, { container }: More): readonly string[] {
  const { apparmor, selinux } = container;
  return [
    ...(spec.noNewPrivileges ? ['no-new-privileges'] : []),
    ...(seccomp === null ? [] : [`seccomp=${seccomp}`]),
    ...(apparmor === undefined ? [] : [`apparmor=${apparmor}`]),
    ...(selinux === undefined ? [] : [`label=${selinux}`]),
  ];
}

/** Containers reach processes of the host by the name that Docker Desktop made common. */
function extraHosts({ networks, flavour }: CreateGiven, { extraHosts: hosts }: More): readonly string[] {
  const host = networks.map(({ hostAddress }) => hostAddress).find((address) => address !== null) ?? null;
  // Podman writes its own name for it by itself.
  const names = ['host.docker.internal', ...(flavour === 'docker' ? ['host.containers.internal'] : [])];
  const all = { ...(host === null ? {} : Object.fromEntries(names.map((name) => [name, host]))), ...hosts };
  return Object.entries(all).map(([name, address]) => `${name}:${address}`);
}

function portBindings({ run: { spec } }: CreateGiven) {
  const published = spec.ports.flatMap(({ port, protocol, publish }) =>
    publish === null ? [] : [[`${String(port)}/${protocol}`, [{ HostIp: publish.address, HostPort: String(publish.port) }]] as const],
  );
  return Object.fromEntries(published);
}

function logOptions({ run: { spec }, flavour }: CreateGiven, { container }: More) {
  const { maxSizeBytes, maxFiles } = spec.logs;
  const size = { 'max-size': String(maxSizeBytes) };
  if (flavour === 'podman') return { Type: container.logDriver ?? 'k8s-file', Config: size };
  const type = container.logDriver ?? 'json-file';
  return { Type: type, Config: type === 'journald' ? {} : { ...size, 'max-file': String(Math.max(1, maxFiles)) } };
}
