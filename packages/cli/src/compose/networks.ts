import { entryOf } from './file/node.ts';
import { Text } from './file/text.ts';
import type { Out, OutMap } from './out.ts';
import { record } from './out.ts';
import type { Project } from './project.ts';
import { externalName } from './volumes.ts';

const known = ['attachable', 'driver', 'driver_opts', 'enable_ipv4', 'enable_ipv6', 'external', 'internal', 'ipam', 'labels', 'name'];

/** `networks` of the host file. `used`: the labels that workers name. */
export function networksOf(project: Project, used: ReadonlySet<string>): OutMap {
  const written = new Map<string, Out>();
  for (const name of project.group('networks').keys()) {
    const label = project.networks.get(name)!;
    const fields = project.fields('networks', name)!;
    fields.only(known);
    // What is said of the default network counts for all who name none.
    if (!used.has(label) && !(name === 'default' && fields.names.length > 0)) continue;
    const external = externalName(project, 'networks', name);
    const driver = fields.text('driver');
    if (fields.flag('enable_ipv6')) fields.left('enable_ipv6', 'networks of ostler are IPv4');
    if (driver?.now === 'overlay') fields.left('driver', 'an overlay is for Swarm, over several hosts: the network is one of this host');
    const options = fields.pairs('driver_opts').flatMap(({ name: key, text }) => (text === null ? [] : [[key, text] as const]));
    if (external !== null) {
      written.set(label, record({ external: true, name: external }));
      continue;
    }
    written.set(
      label,
      record({
        name: fields.text('name'),
        driver: driver === null || /^(bridge|default|overlay|)$/.test(driver.now) ? undefined : driver,
        driverOpts: new Map(options),
        internal: fields.flag('internal') ? true : undefined,
        subnet: subnetOf(name, project),
        labels: new Map(fields.pairs('labels').map(({ name: key, text }) => [key, text ?? Text.of('')])),
      }),
    );
  }
  for (const [label, engineName] of project.addedNetworks) written.set(label, record({ external: true, name: Text.of(engineName) }));
  return written;
}

function subnetOf(name: string, project: Project): Text | null {
  const ipam = project.fields('networks', name)!.map('ipam');
  if (ipam === null) return null;
  ipam.only(['driver', 'config', 'options']);
  if (ipam.has('driver') && ipam.now('driver') !== 'default') ipam.left('driver', 'addresses are given out by the engine’s own means');
  if (ipam.has('options')) ipam.left('options', 'a network of a host file has a `subnet`');
  const subnets = ipam.list('config').flatMap((item) => {
    const [subnet, ...rest] = ['subnet', 'gateway', 'ip_range', 'aux_addresses'].map((key) => entryOf(item, key));
    if (rest.some((one) => one !== undefined))
      ipam.left('config', 'of the addresses of a network the `subnet` has a word; gateway, ip_range and aux_addresses are the engine’s');
    return subnet?.is === 'scalar' && subnet.text !== null ? [subnet.text] : [];
  });
  const own = subnets.find(({ now }) => !now.includes(':')) ?? subnets[0];
  if (subnets.length > 1) ipam.left('config', `a network has one subnet: ${own?.now ?? ''}`);
  return own ?? null;
}
