import type { VolumeDefinition, WorkerSpec } from '@ostler/sdk';
import type { ImageJson } from '../engine/json.ts';
import { markerVolume } from '../engine/store.ts';

export interface MountOptions {
  readonly Type: 'bind' | 'volume';
  readonly Source: string;
  readonly Target: string;
  readonly ReadOnly: boolean;
  readonly VolumeOptions?: { readonly Labels: Readonly<Record<string, string>> };
}

/** On volumes of ours: what they are called. */
export const volumeLabel = 'ostler.volume';

/** In a container: where secret files appear. */
export const secretsPath = '/run/secrets';

/** The engine's volume of a volume of the host file. Without the agent's id: data must be found again by an agent that lost its own. */
export function volumeName(volume: string, definition: VolumeDefinition | null): string {
  return definition?.name ?? (definition?.external === true ? volume : `ostler_${volume}`);
}

/** The kept volume for a VOLUME of an image that the worker mounts nothing on. */
const imageVolumeName = (worker: string, path: string): string => `ostler_${worker}_${path.replace(/^\/+/, '').replaceAll(/[^A-Za-z0-9.-]+/g, '_')}`;

/** An image's VOLUME paths that the worker mounts nothing on: a new container would begin with each of them empty. */
export function imageVolumes({ mounts }: WorkerSpec, image: ImageJson): readonly string[] {
  const trimmed = (path: string): string => (path === '/' ? path : path.replace(/\/+$/, ''));
  const taken = new Set(mounts.map(({ to }) => trimmed(to)));
  return Object.keys(image.Config?.Volumes ?? {}).filter((path) => !taken.has(trimmed(path)));
}

export function mountOptions(spec: WorkerSpec, image: ImageJson, secretsDir: string | null): readonly MountOptions[] {
  const volume = (name: string, target: string, readOnly: boolean): MountOptions => ({
    Type: 'volume',
    Source: name,
    Target: target,
    ReadOnly: readOnly,
    VolumeOptions: { Labels: { [volumeLabel]: name } },
  });
  const own = spec.mounts.flatMap(({ from, to, readOnly }): readonly MountOptions[] => {
    if ('path' in from) return [{ Type: 'bind', Source: from.path, Target: to, ReadOnly: readOnly }];
    if (!('volume' in from)) return [];
    const { definition = null } = from;
    return [volume(volumeName(from.volume, definition), to, readOnly)];
  });
  const kept = imageVolumes(spec, image).map((path) => volume(imageVolumeName(spec.name, path), path, false));
  const marker: MountOptions = { Type: 'volume', Source: markerVolume.name, Target: markerVolume.path, ReadOnly: true };
  const secrets: readonly MountOptions[] = secretsDir === null ? [] : [{ Type: 'bind', Source: secretsDir, Target: secretsPath, ReadOnly: true }];
  return [...own, ...kept, marker, ...secrets];
}

/** `/tmp: size=64m,mode=1777` */
export function tmpfsOptions({ mounts }: WorkerSpec): Readonly<Record<string, string>> {
  return Object.fromEntries(
    mounts.flatMap(({ from, to }) => ('tmpfsBytes' in from ? [[to, `mode=1777${from.tmpfsBytes === null ? '' : `,size=${String(from.tmpfsBytes)}`}`]] : [])),
  );
}
