import { createHash } from 'node:crypto';
import type { NetworkDefinition, NetworkUse, WorkerSpec } from '@ostler/sdk';
import { labels } from '../container/identity.ts';
import { moreOf } from '../container/more.ts';

/** The network of this host's workers that name no other. */
export const defaultNetwork = 'default';

/** On networks of ours, beside the agent's id: what the host file calls it, and what it said of it when it was made. */
export const networkLabels = { network: 'ostler.network', definition: 'ostler.network.definition' } as const;

const plain: NetworkDefinition = { external: false, name: null, driver: null, driverOpts: {}, internal: false, ipv6: false, subnets: [], labels: {} };

/** Beneath `ostler-` and a part of the agent's id, so that agents do not meet. An external one is the engine's, by the name that the host file has for it. */
export function engineName(agent: string, network: string, definition: NetworkDefinition | null): string {
  if (definition !== null && (definition.name !== null || definition.external)) return definition.name ?? network;
  const own = `ostler-${agent.replaceAll('-', '').slice(0, 12)}`;
  return network === defaultNetwork ? own : `${own}-${network}`;
}

/** Networks of a worker by their names in the host file, in its order; empty = it has a network mode of its own. */
export function networksOf(spec: WorkerSpec): readonly (readonly [string, NetworkUse])[] {
  const { networkMode, networks } = moreOf(spec);
  if (networkMode !== null) return [];
  return Object.entries(networks ?? { [defaultNetwork]: { aliases: [], address: null, definition: null } });
}

/** Two that are made alike have the same. */
export function definitionDigest(definition: NetworkDefinition | null): string {
  const { driver, driverOpts, internal, ipv6, subnets, labels: own } = definition ?? plain;
  return createHash('sha256')
    .update(JSON.stringify([driver, Object.entries(driverOpts).sort(), internal, ipv6, subnets, Object.entries(own).sort()]))
    .digest('hex')
    .slice(0, 16);
}

/** The body of `POST /networks/create`. */
export function createBody(name: string, agent: string, network: string, definition: NetworkDefinition | null) {
  const { driver, driverOpts, internal, ipv6, subnets, labels: own } = definition ?? plain;
  const config = subnets.map(({ subnet, gateway, ipRange }) => ({
    Subnet: subnet,
    ...(gateway === null ? {} : { Gateway: gateway }),
    ...(ipRange === null ? {} : { IPRange: ipRange }),
  }));
  return {
    Name: name,
    // Older engines make a second one of the same name otherwise.
    CheckDuplicate: true,
    Driver: driver ?? 'bridge',
    Internal: internal,
    EnableIPv6: ipv6,
    Options: driverOpts,
    ...(config.length === 0 ? {} : { IPAM: { Driver: 'default', Config: config } }),
    Labels: { ...own, [labels.agent]: agent, [networkLabels.network]: network, [networkLabels.definition]: definitionDigest(definition) },
  };
}
