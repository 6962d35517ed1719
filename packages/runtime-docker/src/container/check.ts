import { type EngineFacts, type Finding, unhonoured, type WorkerSpec } from '@ostler/sdk';
import { engineNames, type Flavour } from '../flavour.ts';
import { isImageId, parseReference } from '../image/reference.ts';
import { unknownCapabilities } from './capabilities.ts';
import { checkBlock } from './check-block.ts';
import { checkNetwork } from './check-network.ts';
import { refused, unenforced } from './finding.ts';
import { honoured, type More, moreOf } from './more.ts';
import { refusedMount } from './mount-rules.ts';

/** As engines know them (getrlimit(2)). */
const ulimits = 'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' ');
/** Docker refuses less; below it, a container's own init has no room. */
const leastMemoryBytes = 6 * 2 ** 20;

/** Pure. What this engine would refuse or ignore is refused, what it cannot hold is said. */
export function checkContainer(spec: WorkerSpec, facts: EngineFacts, flavour: Flavour): readonly Finding[] {
  const more = moreOf(spec);
  return [
    ...checkImage(spec),
    ...checkLimits(spec, facts),
    ...checkNetwork(spec, more),
    ...checkBlock(more, flavour),
    ...checkGpu(spec, facts, flavour),
    ...checkRest(spec, more, flavour),
    ...unhonoured(spec, flavour, [...honoured, ...switchedOff(spec)]),
  ];
}

/** What need not be honoured, for it says "no". */
function switchedOff({ more }: WorkerSpec): readonly string[] {
  return ['sandbox'].filter((field) => more[field] === false);
}

function checkImage({ images }: WorkerSpec): readonly Finding[] {
  const last = images.at(-1);
  if (last === undefined) return [refused('image', 'a container needs an `image`')];
  return images.flatMap(({ reference, build }) => {
    try {
      if (build === null && !isImageId(reference ?? '')) parseReference(reference ?? '');
      return [];
    } catch (error) {
      return [refused('image', (error as Error).message)];
    }
  });
}

function checkLimits({ limits }: WorkerSpec, facts: EngineFacts): readonly Finding[] {
  const { memoryBytes, memorySwapBytes, cpus, pids } = limits;
  const held = (kind: 'memory' | 'cpu' | 'pids', field: string, isAsked: boolean): readonly Finding[] =>
    isAsked && facts.limits[kind] === 'none' ? [unenforced(`limits.${field}`, `limits.${field} is not enforced on this host: no ${kind} controller`)] : [];
  return [
    ...held('memory', 'memory', memoryBytes !== null || memorySwapBytes !== null),
    ...held('cpu', 'cpus', cpus !== null),
    ...held('pids', 'pids', pids !== null),
    ...(memoryBytes !== null && memoryBytes < leastMemoryBytes ? [refused('limits.memory', 'limits.memory must be at least 6 MiB for a container')] : []),
    ...(memorySwapBytes !== null && memoryBytes === null ? [refused('limits.memorySwap', 'limits.memorySwap needs limits.memory: it counts both')] : []),
    ...(memorySwapBytes !== null && memoryBytes !== null && memorySwapBytes < memoryBytes
      ? [refused('limits.memorySwap', 'limits.memorySwap counts memory and swap together, so it cannot be less than limits.memory')]
      : []),
  ];
}

function checkGpu({ gpu }: WorkerSpec, { gpus, limits, version }: EngineFacts, flavour: Flavour): readonly Finding[] {
  if (gpu === null) return [];
  if (gpus.length === 0) return [refused('gpu', `${engineNames[flavour]} has no GPU to give on this host: no NVIDIA GPU, or no container toolkit for it`)];
  // Before, Podman's Docker API took the wish and left the GPU out in silence.
  if (flavour === 'podman' && !isAtLeast(version, 5, 4)) return [refused('gpu', `Podman hands out GPUs from version 5.4 on; this one is ${version}`)];
  const missing = gpu.ids.filter((id) => !gpus.some((one) => one.id === id));
  return [
    ...(missing.length > 0 ? [refused('gpu.ids', `this host has no GPU ${missing.join(', ')}; it has ${gpus.map((one) => one.id).join(', ')}`)] : []),
    ...(typeof gpu.count === 'number' && gpu.count > gpus.length
      ? [refused('gpu.count', `this host has ${String(gpus.length)} GPUs, not ${String(gpu.count)}`)]
      : []),
    ...(gpu.memoryBytes !== null && limits.gpuMemory === 'none' ? [unenforced('gpu.memory', 'gpu.memory is not enforced: the engine cannot limit it')] : []),
  ];
}

function isAtLeast(version: string, major: number, minor: number): boolean {
  const [a = 0, b = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  return a > major || (a === major && b >= minor);
}

function checkRest(spec: WorkerSpec, { capabilities, devices }: More, flavour: Flavour): readonly Finding[] {
  return [
    ...(spec.notify === null ? [] : [refused('health.notify', `the ${flavour} runtime does not hear sd_notify; use another probe`)]),
    ...(flavour === 'podman' && spec.imageHealth?.isAsked === true
      ? [
          unenforced(
            'health.image',
            'health.image is not enforced by Podman, whose checks need timers of systemd; use another probe, such as exec with the same command',
          ),
        ]
      : []),
    ...spec.mounts.flatMap((mount) => refusedMount(mount) ?? []).map((text) => refused('mounts', text)),
    ...Object.keys(spec.ulimits)
      .filter((name) => !ulimits.includes(name))
      .map((name) => refused(`ulimits.${name}`, `ulimits.${name} is not known; known are ${ulimits.join(', ')}`)),
    ...(['add', 'drop'] as const).flatMap((way) => unknownCapabilities(capabilities[way] ?? []).map((text) => refused(`capabilities.${way}`, text))),
    ...devices
      .filter((text) => !/^\/[^:]+(:\/[^:]+(:[rwm]{1,3})?)?$/.test(text))
      .map((text) => refused('devices', `"${text}" is no device: expected /dev/NAME, with an optional :/dev/INSIDE:rwm`)),
    ...(flavour === 'podman'
      ? [unenforced('logs.maxFiles', 'Podman keeps one file of logs.maxSize and drops what is older')].slice(0, spec.logs.maxFiles > 1 ? 1 : 0)
      : []),
  ];
}
