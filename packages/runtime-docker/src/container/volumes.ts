import type { Call, VolumeDefinition, WorkerSpec } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import { refusal } from '../errors.ts';
import { volumeLabel, volumeName } from './mounts.ts';

interface VolumeJson {
  readonly Options?: Readonly<Record<string, string>> | null;
}

function defined({ mounts }: WorkerSpec): readonly (readonly [string, VolumeDefinition])[] {
  return mounts.flatMap(({ from }) =>
    'volume' in from && from.definition !== undefined ? [[volumeName(from.volume, from.definition), from.definition] as const] : [],
  );
}

/** Throws `not-found` for an external volume that the engine has not: it would make an empty one of that name in silence. */
export async function verifyVolumes(engine: Connection, spec: WorkerSpec, { signal }: Call): Promise<void> {
  for (const [name, { external }] of defined(spec)) {
    if (!external) continue;
    const { status } = await engine.json({ path: `/volumes/${encodeURIComponent(name)}`, what: `look at the volume ${name}`, accepts: [404], signal });
    if (status === 404)
      throw refusal(
        'not-found',
        `the volume ${name} is external, and the engine has none of that name; make it there, or leave \`external\` out and it is made here`,
        true,
      );
  }
}

/** Makes those of which the host file says more than a name: with a container Podman makes plain ones alone. One that is there stays as it is. */
export async function ensureVolumes(engine: Connection, spec: WorkerSpec, call: Call): Promise<void> {
  await verifyVolumes(engine, spec, call);
  for (const [name, { external, driver, driverOpts, labels }] of defined(spec)) {
    if (external) continue;
    const body = { Name: name, Driver: driver ?? 'local', DriverOpts: driverOpts, Labels: { ...labels, [volumeLabel]: name } };
    const what = `make the volume ${name}`;
    const { value } = await engine.json<VolumeJson>({ method: 'POST', path: '/volumes/create', body, what, isRead: true, signal: call.signal });
    const other = Object.keys(driverOpts).filter((key) => value.Options?.[key] !== driverOpts[key]);
    if (other.length === 0) continue;
    throw refusal(
      'conflict',
      `the volume ${name} is there with another ${other.join(', ')} than the host file says, and is not made anew, for its data would go; move the data and remove it by hand, or give it another \`name\``,
    );
  }
}
