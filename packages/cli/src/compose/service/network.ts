import { Text } from '../file/text.ts';
import { isOutMap, record } from '../out.ts';
import { externalName } from '../volumes.ts';
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
    fields.differs(
      'container_name',
      'ostler names containers itself; others find the worker by this name all the same, and you reach it by its worker’s name: `ostler exec WORKER -- sh`',
    );
  }
  if (service.worker !== service.name) project.alias(service.name, service.name);
  const mode = fields.now('network_mode') ?? modeOfNetworks(service);
  if (mode === null || mode === '') return;
  if (fields.has('networks') && fields.has('network_mode')) fields.bad('network_mode', '`networks` and `network_mode` cannot both be given');
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

/** Somebody may call the host's network, or none, by a name in `networks`. */
function modeOfNetworks({ fields, project }: Service): string | null {
  const [name, ...more] = fields.map('networks')?.names ?? [];
  if (name === undefined || more.length > 0 || !project.group('networks').has(name)) return null;
  const external = externalName(project, 'networks', name)?.now;
  return external === 'host' || external === 'none' ? external : null;
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

/** As name servers of engines know them. */
const aliasForm = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?$/;

/**
 * The networks of all services, written into each; answers the labels that are used. What Compose calls the default network is the one that workers
 * share unasked: it is named only by who has another name on it or joins others as well. A name leads to one worker of a network, so that of two
 * services with one alias the first has it.
 */
export function writeNetworks(services: readonly Service[]): ReadonlySet<string> {
  const isOwn = (service: Service): boolean => service.get('networkMode') === undefined && service.get('networks') === undefined;
  const used = new Set(services.flatMap((service) => (service.get('networks') as readonly string[] | undefined) ?? []));
  const taken = new Map<string, string>();
  const own = services.filter(isOwn).map((service) => ({ service, networks: joinedBy(service) }));
  for (const { service, networks } of own)
    for (const label of networks.size === 0 ? [shared] : networks.keys()) taken.set(`${label} ${service.worker}`, service.worker);
  for (const { service, networks } of own) {
    const more = service.project.aliasesOf(service.name).map((name) => Text.of(name));
    const all: ReadonlyMap<string, Joined> = networks.size === 0 ? new Map([[shared, { aliases: [], address: null }]]) : networks;
    const written = new Map(
      [...all].map(([label, { aliases, address }]) => {
        const free = [...aliases, ...more].filter((alias) => isFree(label, alias, service, taken));
        return [label, record({ aliases: free, address })] as const;
      }),
    );
    const says = [...written.values()].some((network) => network.size > 0);
    if (!says && networks.size === 0) continue;
    for (const label of written.keys()) used.add(label);
    service.write('networks', says ? new Map(written) : [...written.keys()]);
  }
  return used;
}

/** On which workers are that name no network. */
const shared = 'default';

function isFree(label: string, alias: Text, service: Service, taken: Map<string, string>): boolean {
  const { now } = alias;
  const key = `${label} ${now}`;
  const by = taken.get(key);
  if (by === service.worker) return false;
  if (by === undefined && aliasForm.test(now)) {
    taken.set(key, service.worker);
    return true;
  }
  const why = by === undefined ? 'it is no name that a name server knows' : `it leads to ${by}, and a name leads to one worker of a network`;
  service.fields.left('networks', `the alias ${now.slice(0, 80)}: ${why}`);
  return false;
}

/** What has no place beside a network that is not the worker's own, and whose network it is in the end. */
export function fitNetworkModes(all: ReadonlyMap<string, Service>): void {
  const byWorker = new Map([...all.values()].map((service) => [service.worker, service]));
  for (const service of all.values()) {
    const mode = service.get('networkMode');
    if (typeof mode !== 'string') continue;
    const chain = [service.worker];
    let last = mode;
    for (let owner = ownerIn(last); owner !== null; owner = ownerIn(last)) {
      if (chain.includes(owner)) {
        service.fields.bad('network_mode', `networks are shared in a circle: ${[...chain, owner].join(' -> ')}`);
        break;
      }
      chain.push(owner);
      const next = byWorker.get(owner)?.get('networkMode');
      if (typeof next !== 'string') break;
      last = next;
    }
    if (last !== mode) service.write('networkMode', last);
    dropBeside(service, last);
  }
}

const ownerIn = (mode: string): string | null => (mode.startsWith('worker:') ? mode.slice('worker:'.length) : null);

const beside = [
  ['hostname', 'hostname'],
  ['dns', 'dns'],
  ['extraHosts', 'extra_hosts'],
  ['sysctls', 'sysctls'],
] as const;

function dropBeside(service: Service, mode: string): void {
  const isShared = ownerIn(mode) !== null;
  const dropped: readonly string[] = isShared ? ['hostname', 'dns', 'extraHosts'] : mode === 'host' ? ['hostname'] : ['dns', 'extraHosts'];
  for (const [field, name] of beside) {
    const value = service.get(field);
    if (value === undefined) continue;
    const isNet = field === 'sysctls' && mode !== 'none' && isOutMap(value) && [...value.keys()].some((key) => key.startsWith('net.'));
    if (!dropped.includes(field) && !isNet) continue;
    service.drop(field);
    if (isNet && isOutMap(value)) service.write(field, new Map([...value].filter(([key]) => !key.startsWith('net.'))));
    service.fields.left(
      name,
      isShared
        ? 'it is that of the service whose network it shares: give it to that one'
        : mode === 'host'
          ? 'on the host’s network it is the host’s own'
          : 'without a network there is nothing to look names up for',
    );
  }
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
        networks!.bad(
          name,
          `the file has no network \`${name}\``,
          project.troubles.meant(name, [...project.group('networks').keys()], 'networks at the top of the file'),
        );
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
