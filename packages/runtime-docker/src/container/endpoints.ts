import type { ContainerJson } from '../engine/json.ts';

type Endpoints = readonly { readonly port: number; readonly address: string }[];

/** `isNear`: its network is one of this very host, so that its own address can be reached. */
export function endpointsOf(found: ContainerJson, host: string, isNear: boolean): Endpoints {
  const { NetworkSettings, Config, HostConfig } = found;
  const own = Object.values(NetworkSettings?.Networks ?? {}).find((network) => (network?.IPAddress ?? '') !== '')?.IPAddress;
  return Object.keys(Config.ExposedPorts ?? {}).flatMap((key) => {
    const port = Number.parseInt(key, 10);
    if (HostConfig.NetworkMode === 'host') return [{ port, address: addressOf(host, port) }];
    const published = NetworkSettings?.Ports?.[key]?.[0];
    if (published !== undefined && published.HostPort !== '')
      return [{ port, address: addressOf(reachable(published.HostIp, host), Number(published.HostPort)) }];
    return own !== undefined && isNear ? [{ port, address: addressOf(own, port) }] : [];
  });
}

/** Of an engine elsewhere, its loopback is not ours: its host is the best guess there is. */
function reachable(published: string, host: string): string {
  if (host !== '127.0.0.1') return host;
  if (published === '' || published === '0.0.0.0') return '127.0.0.1';
  return published === '::' ? '::1' : published;
}

const addressOf = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
