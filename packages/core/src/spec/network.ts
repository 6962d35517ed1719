import type { NetworkDefinition, NetworkUse } from '@ostler/sdk';
import { z } from 'zod';
import { contains, parseAddress, parseSubnet, type Subnet } from './address.ts';
import { flag, looseText, text, texts } from './text.ts';

/** The network of all workers that name none and have no `networkMode`. */
export const defaultNetwork = 'default';

const someTexts = (what: string) =>
  z.union([text(what).transform((one) => [one]), texts().max(2, { error: 'at most one of IPv4 and one of IPv6' })], { error: `expected ${what}` });

const engineName = z
  .string({ error: 'expected a name' })
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/, { error: 'expected letters, digits, `_`, `.` and `-`, a letter or digit first' });

/** What an external network cannot have: it is used as it is. */
const ownOnly = ['driver', 'driverOpts', 'internal', 'ipv6', 'subnet', 'gateway', 'ipRange', 'labels'] as const;

/** An entry of `networks:` of the host file. */
export const networkDefinition = z
  .strictObject({
    external: flag().optional(),
    name: engineName.optional(),
    labels: z.record(z.string(), looseText()).optional(),
    driver: text('the name of a driver, such as bridge').optional(),
    driverOpts: z.record(z.string(), looseText()).optional(),
    internal: flag().optional(),
    ipv6: flag().optional(),
    subnet: someTexts('a range of addresses such as 10.9.0.0/24').optional(),
    gateway: someTexts('an address').optional(),
    ipRange: someTexts('a range of addresses such as 10.9.0.128/25').optional(),
  })
  .superRefine((network, context) => {
    const bad = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (network.external) {
      for (const field of ownOnly) if (network[field] !== undefined) bad(field, `an external network is used as it is, so it cannot have \`${field}\``);
      return;
    }
    if (network.driver === 'host' || network.driver === 'none' || network.driver === 'null')
      bad('driver', `a worker has no network of its own by \`networkMode: ${network.driver === 'host' ? 'host' : 'none'}\`, not by a network`);
    const subnets: Subnet[] = [];
    for (const written of network.subnet ?? []) {
      const subnet = parseSubnet(written);
      if (subnet === null)
        bad('subnet', `\`${written}\` is no range of addresses; expected its first address and the length of its prefix, such as 10.9.0.0/24`);
      else if (subnets.some(({ bits }) => bits === subnet.bits))
        bad('subnet', `a second range of IPv${subnet.bits === 32 ? '4' : '6'}: a network has at most one of each`);
      else subnets.push(subnet);
    }
    if (network.ipv6 === false && subnets.some(({ bits }) => bits === 128)) bad('ipv6', 'it is switched off, but `subnet` names a range of IPv6');
    for (const written of network.gateway ?? []) {
      const gateway = parseAddress(written);
      if (gateway === null) bad('gateway', `\`${written}\` is no address`);
      else if (!subnets.some((subnet) => contains(subnet, gateway))) bad('gateway', outside(written, network.subnet));
    }
    for (const written of network.ipRange ?? []) {
      const range = parseSubnet(written);
      if (range === null)
        bad('ipRange', `\`${written}\` is no range of addresses; expected its first address and the length of its prefix, such as 10.9.0.128/25`);
      else if (!subnets.some((subnet) => contains(subnet, range))) bad('ipRange', outside(written, network.subnet));
    }
  });

const outside = (written: string, subnets: readonly string[] | undefined): string =>
  subnets === undefined ? `${written} needs a \`subnet\` that it is part of` : `${written} is not within ${subnets.join(' or ')}`;

export type WrittenNetwork = z.output<typeof networkDefinition>;

/** The networks that a worker names. */
export const networkUses = () =>
  z.union(
    [
      texts().min(1, { error: 'expected at least one; for no network at all: `networkMode: none`' }),
      z.record(z.string(), z.strictObject({ aliases: texts().optional(), address: text('an address').optional() }).nullable()),
    ],
    {
      error: 'expected a list of networks, or a map of { aliases, address }',
    },
  );
type WrittenUses = z.output<ReturnType<typeof networkUses>>;

export function definitionOf(written: WrittenNetwork): NetworkDefinition {
  const within = (list: readonly string[] | undefined, subnet: Subnet): string | null =>
    (list ?? []).find((one) => {
      const part = parseSubnet(one) ?? parseAddress(one);
      return part !== null && contains(subnet, part);
    }) ?? null;
  const subnets = (written.subnet ?? []).flatMap((text) => {
    const subnet = parseSubnet(text);
    return subnet === null ? [] : [{ subnet: text, gateway: within(written.gateway, subnet), ipRange: within(written.ipRange, subnet) }];
  });
  return {
    external: written.external ?? false,
    name: written.name ?? null,
    driver: written.driver ?? null,
    driverOpts: written.driverOpts ?? {},
    internal: written.internal ?? false,
    ipv6: written.ipv6 ?? subnets.some(({ subnet }) => subnet.includes(':')),
    subnets,
    labels: written.labels ?? {},
  };
}

/** In the normal form: each with what the host file says of it. `null` = it names none, and nothing is said of the one that it shares. */
export function usesOf(
  written: { readonly networks?: WrittenUses | undefined; readonly networkMode?: string | undefined },
  definitions: Readonly<Record<string, WrittenNetwork>> = {},
): Readonly<Record<string, NetworkUse>> | null {
  const definition = (name: string): NetworkDefinition | null => {
    const found = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
    return found === undefined ? null : definitionOf(found);
  };
  const plain = (name: string): readonly [string, NetworkUse] => [name, { aliases: [], address: null, definition: definition(name) }];
  const { networks, networkMode } = written;
  if (networks === undefined) return networkMode === undefined && definition(defaultNetwork) !== null ? Object.fromEntries([plain(defaultNetwork)]) : null;
  if (Array.isArray(networks)) return Object.fromEntries(networks.map(plain));
  const entries = Object.entries(networks as Exclude<WrittenUses, string[]>);
  return Object.fromEntries(entries.map(([name, use]) => [name, { ...plain(name)[1], aliases: use?.aliases ?? [], address: use?.address ?? null }]));
}

/** The worker whose network another one shares, by its `networkMode`; `null` = none. */
export function ownerIn(networkMode: unknown): string | null {
  return typeof networkMode === 'string' && networkMode.startsWith('worker:') ? networkMode.slice('worker:'.length) : null;
}
