import { statfsSync } from 'node:fs';
import { release } from 'node:os';
import type { Call, EngineFacts } from '@ostler/sdk';
import { refusal } from '../errors.ts';
import { engineNames, type Flavour } from '../flavour.ts';
import { lacksNames } from '../network/names.ts';
import type { Connection } from './connection.ts';
import { gpusOf } from './gpu.ts';
import type { EngineInfo, EngineVersion } from './json.ts';
import { tooOld } from './oldest.ts';
import { storeOf } from './store.ts';

export async function infoOf(engine: Connection, call: Call): Promise<EngineInfo> {
  return (await engine.json<EngineInfo>({ path: '/info', what: 'ask the engine what it can hold', signal: call.signal })).value;
}

/** The deep probe: `/info` asks containerd too, which `_ping` does not. */
export async function factsOf(engine: Connection, flavour: Flavour, call: Call): Promise<EngineFacts> {
  const version = (await engine.json<EngineVersion>({ path: '/version', what: 'ask the engine for its version', signal: call.signal })).value;
  const old = tooOld(version, versionOf(version, flavour), flavour);
  if (old !== null) throw refusal('unsupported', old);
  const info = await infoOf(engine, call);
  const store = await storeOf(engine, call);
  const isNameless = flavour === 'podman' && (await lacksNames(engine, call));
  const limits = limitsOf(info);
  const isNear = isNearEngine(engine, info);
  const disk = isNear ? diskOf(info) : null;
  const outlivesEngine = flavour === 'podman' || info.LiveRestoreEnabled === true;
  return {
    engine: store,
    name: flavour,
    version: versionOf(version, flavour),
    limits,
    hostName: hostNameOf(info, flavour),
    gpus: isNear ? gpusOf(info, flavour) : [],
    ...(disk === null ? {} : { disk }),
    ...('socketPath' in engine.endpoint ? { sockets: [engine.endpoint.socketPath] } : {}),
    outlives: { agent: true, engine: outlivesEngine },
    notes: [
      `${engineNames[flavour]} at ${engine.endpoint.url} (${engine.endpoint.saidBy})`,
      ...missingLimits(limits),
      ...(limits.memory === 'hard' && info.SwapLimit === false ? ['swap is not limited on this host: a worker at its memory limit may swap'] : []),
      ...(isRootless(info) ? ['the engine is rootless: what needs root on the host (low ports, other users’ files) is refused by it'] : []),
      ...(isNameless
        ? ['containers do not find each other by name: Podman lacks aardvark-dns, or the plugin dnsname; networks that were made without it stay so']
        : []),
      ...(flavour === 'podman' ? ['checks of images (HEALTHCHECK) do not count: Podman needs timers of systemd for them'] : []),
      ...(outlivesEngine ? [] : ['live-restore is off: when dockerd ends, its containers end too']),
    ],
  };
}

/** The one that Docker Desktop made common. Without root Podman alone knows where its host is, and has a name of its own for it. */
const hostNameOf = (info: EngineInfo, flavour: Flavour): string =>
  flavour === 'podman' && isRootless(info) ? 'host.containers.internal' : 'host.docker.internal';

function versionOf({ Version, Components }: EngineVersion, flavour: Flavour): string {
  const own = Components?.find((one) => one.Name === (flavour === 'podman' ? 'Podman Engine' : 'Engine'));
  return own?.Version ?? Version ?? 'unknown';
}

/** An engine without a controller drops the limit in silence: it only says here that it would. */
export function limitsOf(info: EngineInfo): EngineFacts['limits'] {
  const hold = (isThere: boolean | undefined) => (isThere === true && info.CgroupDriver !== 'none' ? 'hard' : 'none');
  return { memory: hold(info.MemoryLimit), cpu: hold(info.CpuCfsQuota), pids: hold(info.PidsLimit), gpuMemory: 'none' };
}

function missingLimits(limits: EngineFacts['limits']): readonly string[] {
  const missing = (['memory', 'cpu', 'pids'] as const).filter((name) => limits[name] === 'none');
  return missing.length === 0 ? [] : [`no limits on ${missing.join(', ')}: the engine has no such cgroup controller`];
}

export function isRootless({ SecurityOptions }: EngineInfo): boolean {
  return (SecurityOptions ?? []).some((option) => option.includes('rootless'));
}

/** Whether the engine runs in this very system, not in a VM or elsewhere: over a socket, on the same kernel. */
function isNearEngine(engine: Connection, info: EngineInfo): boolean {
  return 'socketPath' in engine.endpoint && process.platform === 'linux' && info.OSType !== 'windows' && info.KernelVersion === release();
}

/** Where the engine keeps images, and what is free there; `null` = nobody here can tell: it is elsewhere, or has them with a containerd of the host. */
export async function roomOf(engine: Connection, call: Call): Promise<NonNullable<EngineFacts['disk']> | null> {
  const info = await infoOf(engine, call);
  const isByContainerd = (info.DriverStatus ?? []).some(([name, value]) => name === 'driver-type' && value?.startsWith('io.containerd.'));
  return isNearEngine(engine, info) && !isByContainerd ? diskOf(info) : null;
}

function diskOf({ DockerRootDir }: EngineInfo): NonNullable<EngineFacts['disk']> | null {
  if (DockerRootDir === undefined) return null;
  try {
    const { bavail, bsize } = statfsSync(DockerRootDir);
    return { path: DockerRootDir, freeBytes: bavail * bsize };
  } catch {
    return null;
  }
}
