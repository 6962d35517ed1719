import { entryOf, type Node } from './file/node.ts';
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
        ...rangesOf(name, project),
        ipv6: fields.flag('enable_ipv6') ? true : undefined,
        labels: new Map(fields.pairs('labels').map(({ name: key, text }) => [key, text ?? Text.of('')])),
      }),
    );
  }
  for (const [label, engineName] of project.addedNetworks) written.set(label, record({ external: true, name: Text.of(engineName) }));
  return written;
}

const words = { subnet: 'subnet', gateway: 'gateway', ip_range: 'ipRange' } as const;

/** `subnet`, `gateway` and `ipRange`: a word where there is one of them, a list where there is one of IPv4 and one of IPv6. */
function rangesOf(name: string, project: Project): Readonly<Record<string, Out>> {
  const ipam = project.fields('networks', name)!.map('ipam');
  if (ipam === null) return {};
  ipam.only(['driver', 'config', 'options']);
  if (ipam.has('driver') && ipam.now('driver') !== 'default') ipam.left('driver', 'addresses are given out by the engine’s own means');
  if (ipam.has('options')) ipam.left('options', 'a network of a host file has a `subnet`');
  const blocks = ipam.list('config').map((item) => ({ item, subnet: textOf(item, 'subnet') }));
  if (blocks.some(({ item }) => entryOf(item, 'aux_addresses') !== undefined))
    ipam.left('config', 'addresses are kept free by `ipRange`, not by `aux_addresses`');
  if (blocks.some(({ item, subnet }) => subnet === null && item.is === 'map' && item.entries.size > 0))
    ipam.left('config', 'without a `subnet` the engine chooses the addresses, and their gateway with them');
  const isSix = (text: Text | null): boolean => text?.now.includes(':') ?? false;
  const chosen = [false, true].flatMap((six) => blocks.find(({ subnet }) => subnet !== null && isSix(subnet) === six) ?? []);
  if (blocks.filter(({ subnet }) => subnet !== null).length > chosen.length)
    ipam.left('config', `a network has one subnet of IPv4 and one of IPv6: ${chosen.map(({ subnet }) => subnet?.now).join(', ')}`);
  return Object.fromEntries(
    Object.entries(words).flatMap(([key, word]) => {
      const texts = chosen.flatMap(({ item }) => textOf(item, key) ?? []);
      return texts.length === 0 ? [] : [[word, texts.length === 1 ? texts[0]! : texts] as const];
    }),
  );
}

function textOf(item: Node, key: string): Text | null {
  const found = entryOf(item, key);
  return found?.is === 'scalar' ? found.text : null;
}
