import { Text } from './file/text.ts';
import { type Out, type OutMap, record } from './out.ts';
import type { Project } from './project.ts';

const known = ['driver', 'driver_opts', 'external', 'labels', 'name'];

/** The folder that a volume of Compose's own driver only stands for (`type: none, o: bind`); null = it is a volume. */
export function boundTo(name: string, project: Project): Text | null {
  const options = project.fields('volumes', name)?.map('driver_opts');
  if (!options || !/(^|,)r?bind(,|$)/.test(options.text('o')?.now ?? '')) return null;
  const device = options.scalar('device');
  return device?.text == null || device.text.now === '' ? null : project.path(device.text, device.base);
}

/** `volumes` of the host file: those of the Compose file, and those that services needed. */
export function volumesOf(project: Project): OutMap {
  const written = new Map<string, Out>();
  const kept: string[] = [];
  for (const name of project.group('volumes').keys()) {
    const fields = project.fields('volumes', name)!;
    fields.only(known);
    if (boundTo(name, project) !== null) continue;
    const label = project.volumes.get(name)!;
    const external = externalName(project, 'volumes', name);
    if (external !== null) {
      // Somebody else's: it is used as it is, with what it has.
      written.set(label, record({ external: true, name: external }));
      continue;
    }
    const custom = fields.text('name');
    const driver = fields.text('driver');
    const options = fields.pairs('driver_opts').flatMap(({ name: key, text }) => (text === null ? [] : [[key, text] as const]));
    written.set(
      label,
      record({
        name: custom,
        driver: driver === null || driver.now === 'local' || driver.now === '' ? undefined : driver,
        driverOpts: new Map(options),
        labels: new Map(fields.pairs('labels').map(({ name: key, text }) => [key, text ?? Text.of('')])),
      }),
    );
    // One with a name of its own is the same for both.
    if (custom === null) kept.push(`${project.given.name}_${name} -> ostler_${label}`);
  }
  for (const label of project.addedVolumes) written.set(label, new Map());
  if (kept.length > 0)
    project.given.notes.differs({
      field: 'volumes',
      text: `ostler’s volumes are its own and begin empty: copy the data over, with the services stopped, by \`docker run --rm -v FROM:/from -v TO:/to busybox cp -a /from/. /to\`, for each of ${kept.join(', ')}`,
      at: project.fields('volumes', [...project.group('volumes').keys()][0]!)!.place,
    });
  return written;
}

/** The engine's name of what is there already; null = it is not external. */
export function externalName(project: Project, group: 'volumes' | 'networks', name: string): Text | null {
  const fields = project.fields(group, name)!;
  const node = fields.node('external');
  // The form before 3.5: `external: { name: … }`.
  const inner = node?.is === 'map' ? fields.map('external') : null;
  inner?.only(['name']);
  if (inner === null && !fields.flag('external')) return null;
  return inner?.text('name') ?? fields.text('name') ?? Text.of(name);
}
