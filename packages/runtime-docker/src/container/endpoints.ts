import { isIP } from 'node:net';
import type { ContainerJson } from '../engine/json.ts';
import { labels } from './identity.ts';

type Endpoints = readonly { readonly port: number; readonly address: string }[];

/** `owner`: whose network it has joined. `isNear`: its network is one of this very host, so that its own address can be reached. */
export function endpointsOf(found: ContainerJson, owner: ContainerJson | null, host: string, isNear: boolean): Endpoints {
  const { NetworkSettings, HostConfig } = owner ?? found;
  const addressed = Object.values(NetworkSettings?.Networks ?? {}).flatMap((network) =>
    network !== null && (network.IPAddress ?? '') !== '' ? [network] : [],
  );
  // Of several, one that has the host on it: Podman's internal ones do not.
  const own = (addressed.find(({ Gateway }) => isIP(Gateway ?? '') !== 0) ?? addressed[0])?.IPAddress;
  return portsOf(found).flatMap((key) => {
    const port = Number.parseInt(key, 10);
    if (HostConfig.NetworkMode === 'host') return [{ port, address: addressOf(host, port) }];
    const published = NetworkSettings?.Ports?.[key]?.[0];
    if (published !== undefined && published.HostPort !== '')
      return [{ port, address: addressOf(reachable(published.HostIp, host), Number(published.HostPort)) }];
    return own !== undefined && isNear ? [{ port, address: addressOf(own, port) }] : [];
  });
}

/** As `80/tcp`. One that shares a network can expose none: they stand in a label. */
function portsOf({ Config: { ExposedPorts, Labels } }: ContainerJson): readonly string[] {
  const told = Labels?.[labels.ports];
  return told === undefined ? Object.keys(ExposedPorts ?? {}) : told.split(',').filter(Boolean);
}

/** Of an engine elsewhere, its loopback is not ours: its host is the best guess there is. */
function reachable(published: string, host: string): string {
  if (host !== '127.0.0.1') return host;
  if (published === '' || published === '0.0.0.0') return '127.0.0.1';
  return published === '::' ? '::1' : published;
}

const addressOf = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
