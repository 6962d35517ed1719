import type { Call } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import type { ContainerJson } from '../engine/json.ts';
import type { Joined } from './networks.ts';

/** What a container is on a network: its names there, and its address where it has a fixed one. `isLive`: others are to find it. */
export function endpointOf({ aliases, address }: Joined, worker: string, isLive: boolean) {
  const fixed = address === null ? {} : { IPAMConfig: address.includes(':') ? { IPv6Address: address } : { IPv4Address: address } };
  return { Aliases: isLive ? [worker, ...aliases.filter((alias) => alias !== worker)] : [], ...fixed };
}

/** Engines before API 1.44 take one network with the container: it joins the others before it starts. `known`: the container as it was found, if it was. */
export async function joinRest(
  engine: Connection,
  id: string,
  networks: readonly Joined[],
  worker: string,
  isLive: boolean,
  known: ContainerJson | null,
  call: Call,
): Promise<void> {
  for (const network of networks.slice(1)) {
    if (Object.hasOwn(known?.NetworkSettings?.Networks ?? {}, network.name)) continue;
    await engine.json({
      method: 'POST',
      path: `/networks/${encodeURIComponent(network.name)}/connect`,
      body: { Container: id, EndpointConfig: endpointOf(network, worker, isLive) },
      what: `connect ${worker} to the network ${network.name}`,
      signal: call.signal,
    });
  }
}
