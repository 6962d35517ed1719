import type { NetworkDefinition, NetworkUse } from '@ostler/sdk';
import type { Place } from '../base/problem.ts';
import {
  contains,
  defaultNetwork,
  definitionOf,
  firstOf,
  isSame,
  nearest,
  networkDefinition,
  networksOf,
  overlap,
  parseAddress,
  parseSubnet,
  preferenceOf,
  type Registry,
  reserved,
} from '../spec/index.ts';
import type { Faults } from './issues.ts';
import { type Contained, contained } from './laid-place.ts';
import { type MapNode, map, nodeAt, placeAt, toJson, withNode } from './node.ts';
import { partsOf } from './worker-node.ts';

/** The networks of the host file that a worker is on, put where its generation keeps them: it runs on without the file. */
export function withNetworks(worker: MapNode, networks: MapNode | null, registry: Registry): MapNode {
  if (networks === null || !preferenceOf(toJson(worker), registry).some((name) => registry.runtimes.get(name)?.class === 'container')) return worker;
  const named = partsOf(worker, registry).flatMap((part) => {
    const node = nodeAt(worker, [...part, 'networks']);
    return node?.is === 'map'
      ? [...node.entries.keys()]
      : node?.is === 'list'
        ? node.items.flatMap((item) => (item.is === 'scalar' ? String(item.value) : []))
        : [];
  });
  const used = [...networks.entries].filter(([name]) => name === defaultNetwork || named.includes(name));
  if (used.length === 0) return worker;
  const entries = used.map(([name, { at, value }]) => [name, { at, value: value.is === 'map' ? value : map(new Map(), at) }] as const);
  return withNode(worker, ['networkDefinitions'], map(new Map(entries), worker.at));
}

interface Held {
  readonly by: string;
  readonly at: Place;
}

/** Networks of all workers: they exist, do not overlap, and nothing on them is given twice. */
export function checkNetworks(workers: ReadonlyMap<string, MapNode>, networks: MapNode | null, registry: Registry, faults: Faults): void {
  const definitions = readDefinitions(networks);
  checkDefinitions(definitions, networks, faults);
  const all = [...workers].flatMap(([name, worker]) => contained(name, worker, registry) ?? []);
  const names = new Map<string, Map<string, Held>>();
  const addresses = new Map<string, Map<string, Held>>();
  const on = (of: Map<string, Map<string, Held>>, network: string): Map<string, Held> => {
    const known = of.get(network) ?? new Map<string, Held>();
    of.set(network, known);
    return known;
  };
  const usesOf = (one: Contained): readonly (readonly [string, NetworkUse])[] => {
    const { spec } = one.normal;
    if (spec.more['networkMode'] !== undefined) return [];
    return Object.entries({
      ...(spec.more['networks'] === undefined ? { [defaultNetwork]: { aliases: [], address: null, definition: null } } : networksOf(spec)),
    });
  };
  // Names of workers go before aliases, whatever the order of the file.
  for (const one of all) for (const [network] of usesOf(one)) on(names, network).set(one.name, { by: one.name, at: one.place([]) });
  for (const one of all) {
    const { more } = one.normal.spec;
    if (more['networkMode'] !== undefined && more['networks'] !== undefined) {
      const text = `workers.${one.name}: \`networkMode: ${String(more['networkMode'])}\` and \`networks\` cannot both be given`;
      faults.invalid(text, one.place(['networkMode']), 'Remove one of the two.');
      continue;
    }
    for (const [network, use] of usesOf(one)) {
      const field = `workers.${one.name}.networks.${network}`;
      const at = one.place(['networks', network]);
      if (network !== defaultNetwork && !definitions.has(network)) {
        const known = [...definitions.keys(), defaultNetwork];
        const near = nearest(network, known);
        faults.invalid(
          `workers.${one.name}.networks: the host file has no network \`${network}\``,
          at,
          near ? `Did you mean \`${near}\`?` : `Define it at the top: \`networks: { ${network}: {} }\`. Networks: ${known.join(', ')}.`,
        );
        continue;
      }
      for (const [index, alias] of use.aliases.entries())
        checkAlias(`${field}.aliases`, alias, one, one.place(['networks', network, 'aliases', index]), on(names, network), faults);
      if (use.address !== null)
        checkAddress(
          `${field}.address`,
          use.address,
          one,
          one.place(['networks', network, 'address']),
          network,
          definitions.get(network),
          on(addresses, network),
          faults,
        );
    }
  }
}

const readDefinitions = (networks: MapNode | null): ReadonlyMap<string, NetworkDefinition> =>
  new Map(
    [...(networks?.entries ?? [])].flatMap(([name, { value }]) => {
      const read = networkDefinition.safeParse(toJson(value) ?? {});
      return read.success ? [[name, definitionOf(read.data)] as const] : [];
    }),
  );

function checkDefinitions(definitions: ReadonlyMap<string, NetworkDefinition>, networks: MapNode | null, faults: Faults): void {
  const seen: { readonly name: string; readonly definition: NetworkDefinition }[] = [];
  for (const [name, definition] of definitions) {
    const at = (field: string): Place => placeAt(networks!, [name, field]);
    for (const other of seen) {
      if (definition.name !== null && definition.name === other.definition.name)
        faults.invalid(
          `networks.${name} and networks.${other.name} are both \`${definition.name}\` to the engine`,
          at('name'),
          'Give one of them another `name`, or keep one.',
        );
      const shared = definition.subnets.find(({ subnet }) => other.definition.subnets.some((one) => overlap(parseSubnet(subnet)!, parseSubnet(one.subnet)!)));
      if (shared !== undefined)
        faults.invalid(
          `networks.${name}.subnet: ${shared.subnet} overlaps with the one of networks.${other.name}`,
          at('subnet'),
          'Give one of them another range.',
        );
    }
    seen.push({ name, definition });
  }
}

/** As the engines' own name servers know them: labels with dots between. */
const aliasForm = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?$/;

function checkAlias(field: string, alias: string, { name }: Contained, at: Place, held: Map<string, Held>, faults: Faults): void {
  if (!aliasForm.test(alias)) {
    faults.invalid(`${field}: \`${alias}\` cannot be a name; expected letters, digits, \`.\`, \`_\` and \`-\`, neither first nor last one of these`, at);
    return;
  }
  const other = held.get(alias);
  // Its own name is one of its names anyway.
  if (other !== undefined && other.by === name && alias === name) return;
  if (other === undefined) {
    held.set(alias, { by: name, at });
    return;
  }
  const who = other.by === name ? 'is given twice' : other.by === alias ? `is the name of the worker ${alias}` : `is an alias of ${other.by}, too`;
  faults.invalid(`${field}: \`${alias}\` ${who} (${other.at.file}:${other.at.line}:${other.at.column})`, at, 'A name leads to one worker of a network.');
}

function checkAddress(
  field: string,
  written: string,
  { name }: Contained,
  at: Place,
  network: string,
  definition: NetworkDefinition | undefined,
  held: Map<string, Held>,
  faults: Faults,
): void {
  const address = parseAddress(written);
  if (address === null) {
    faults.invalid(`${field}: \`${written}\` is no IP address`, at);
    return;
  }
  const other = held.get(`${address.bits}/${address.value}`);
  if (other !== undefined) {
    faults.invalid(
      `${field}: ${other.by} has the address ${written} (${other.at.file}:${other.at.line}:${other.at.column})`,
      at,
      'Give one of them another address.',
    );
    return;
  }
  held.set(`${address.bits}/${address.value}`, { by: name, at });
  // What range an external one has only its engine knows.
  if (definition?.external) return;
  const ranges = (definition?.subnets ?? []).map((one) => ({ ...one, range: parseSubnet(one.subnet)! }));
  const own = ranges.find(({ range }) => contains(range, address));
  if (own === undefined) {
    const isThere = ranges.some(({ range }) => range.bits === address.bits);
    const what = isThere ? `is not within the subnet of ${network}, ${ranges.map(({ subnet }) => subnet).join(', ')}` : `needs a network whose subnet is known`;
    faults.invalid(
      `${field}: ${written} ${what}`,
      at,
      isThere ? undefined : `Write one: \`networks: { ${network}: { subnet: 10.9.0.0/24 } }\`, and an address of it.`,
    );
    return;
  }
  const gateway = own.gateway === null ? firstOf(own.range) : parseAddress(own.gateway);
  const is = reserved(own.range, address) ?? (gateway !== null && isSame(gateway, address) ? 'gateway' : null);
  if (is === null) return;
  faults.invalid(
    `${field}: ${written} is ${is === 'gateway' ? 'the host’s own on that network, its gateway' : `the ${is} address of ${own.subnet}`}`,
    at,
    'Choose another one of the subnet.',
  );
}
