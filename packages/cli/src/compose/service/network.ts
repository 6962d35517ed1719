import { Text } from '../file/text.ts';
import { type Out, type OutMap, record } from '../out.ts';
import type { Service } from './service.ts';

/** What a service says of a network that it joins. */
interface Joined {
  readonly aliases: readonly Text[];
  readonly address: Text | null;
}

/** `network_mode` and the names by which others find the service; the networks follow when those of all services are known. */
export function writeNetworkMode(service: Service): void {
  const { fields, project } = service;
  const container = fields.text('container_name')?.now;
  if (container !== undefined) {
    project.alias(service.name, container);
    fields.differs('container_name', 'ostler names containers itself; others find the worker by this name all the same, and you reach it by its worker’s name: `ostler exec WORKER -- sh`');
  }
  if (service.worker !== service.name) project.alias(service.name, service.name);
  const mode = fields.now('network_mode');
  if (mode === null || mode === '') return;
  if (fields.has('networks')) fields.bad('network_mode', '`networks` and `network_mode` cannot both be given');
  if (mode === 'host' || mode === 'none') {
    service.write('networkMode', mode);
    if (mode === 'host') project.permissions.add('hostNamespaces');
    return;
  }
  if (mode === 'bridge' || mode === 'default') {
    fields.left('network_mode', 'workers share a network on which they find each other by name; there is no other bridge');
    return;
  }
  const [, kind, name = ''] = /^(service|container):(.+)$/.exec(mode) ?? [];
  if (kind === undefined) {
    const label = project.networks.add(mode);
    project.addedNetworks.set(label, mode);
    service.write('networks', [label]);
    return;
  }
  const other = kind === 'service' ? name : project.serviceOfContainer(name);
  const worker = other === null ? undefined : project.workers.get(other);
  if (worker !== undefined && other !== service.name) service.write('networkMode', `worker:${worker}`);
  else if (kind === 'container') fields.left('network_mode', `the container ${name} is not of this file, so its network cannot be shared`);
  else fields.bad('network_mode', `there is no service \`${name}\``, project.troubles.meant(name, [...project.group('services').keys()], 'services'));
}

/** `links`: the other is started before, and found by its alias. */
export function readLinks(service: Service): void {
  const { fields, project } = service;
  for (const { text } of fields.texts('links')) {
    const [name = '', alias] = text.now.split(':');
    if (!project.group('services').has(name)) {
      fields.bad('links', `there is no service \`${name}\``, project.troubles.meant(name, [...project.group('services').keys()], 'services'));
      continue;
    }
    if (alias === undefined || alias === name) continue;
    project.alias(name, alias);
    fields.differs('links', 'the alias of a link is found by every worker on that network, not by this one alone');
  }
}

/**
 * The networks of all services, written into each. What Compose calls the default network stays ostler's own, which workers share unasked, unless one of
 * them needs another name on it, joins others as well, or it was given options.
 */
export function writeNetworks(services: readonly Service[]): ReadonlySet<string> {
  const used = new Set<string>();
  const joined = new Map(services.map((service) => [service, joinedBy(service)] as const));
  const isOwn = (service: Service): boolean => service.get('networkMode') === undefined && service.get('networks') === undefined;
  const project = services[0]?.project;
  const isConfigured = (project?.fields('networks', 'default')?.names.length ?? 0) > 0;
  const needsName = services.some(
    (service) =>
      isOwn(service) &&
      ((joined.get(service)!.size === 0 && service.project.aliasesOf(service.name).length > 0) || joined.get(service)!.has('default')),
  );
  for (const service of services) {
    if (!isOwn(service)) {
      for (const label of (service.get('networks') as readonly string[] | undefined) ?? []) used.add(label);
      continue;
    }
    const own = joined.get(service)!;
    const all = own.size === 0 && (isConfigured || needsName) ? new Map([['default', { aliases: [], address: null }]]) : own;
    const aliases = service.project.aliasesOf(service.name).map((name) => Text.of(name));
    const written = new Map([...all].map(([label, network]) => [label, settings(network, aliases)] as const));
    for (const label of written.keys()) used.add(label);
    const isPlain = [...written.values()].every((network) => network.size === 0);
    service.write('networks', isPlain ? [...written.keys()] : new Map(written));
  }
  return used;
}

function settings({ aliases, address }: Joined, more: readonly Text[]): OutMap {
  const all = new Map([...aliases, ...more].map((alias) => [alias.now, alias as Out]));
  return record({ aliases: [...all.values()], address });
}

const without: Readonly<Record<string, string>> = {
  ipv6_address: 'addresses of workers are IPv4',
  link_local_ips: 'a worker has one address on a network',
  mac_address: 'the engine gives each container its address',
  driver_opts: 'a worker has no options on a network, only the network has',
  priority: 'networks are joined in the order in which they stand',
  gw_priority: 'networks are joined in the order in which they stand',
  interface_name: 'the engine names the interfaces',
};

function joinedBy(service: Service): ReadonlyMap<string, Joined> {
  const { fields, project } = service;
  const networks = fields.map('networks');
  return new Map(
    (networks?.names ?? []).flatMap((name): readonly (readonly [string, Joined])[] => {
      const label = project.networks.get(name) ?? (name === 'default' ? 'default' : undefined);
      if (label === undefined) {
        networks!.bad(name, `the file has no network \`${name}\``, project.troubles.meant(name, [...project.group('networks').keys()], 'networks at the top of the file'));
        return [];
      }
      const own = networks!.map(name);
      own?.only(['aliases', 'ipv4_address', ...Object.keys(without)]);
      for (const [key, why] of Object.entries(without)) if (own?.has(key)) own.left(key, why);
      const aliases = own?.texts('aliases').map(({ text }) => text) ?? [];
      return [[label, { aliases: aliases.filter(({ now }) => now !== service.worker), address: own?.text('ipv4_address') ?? null }]];
    }),
  );
}
