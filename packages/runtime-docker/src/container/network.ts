import type { Call } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import { labels } from './identity.ts';

/** The network on which an agent's workers find each other by name. */
export const networkName = (agent: string): string => `ostler-${agent.replaceAll('-', '').slice(0, 12)}`;

export interface SharedNetwork {
  readonly name: string;
  /** Where its containers reach the host: `host-gateway` for the engine to fill in, or an address; `null` = nobody knows. */
  readonly hostAddress: string | null;
}

interface NetworkJson {
  readonly IPAM?: { readonly Config?: readonly { readonly Gateway?: string }[] | null };
}

/** Makes it if it is not there. Its engine may have lost it since it was last seen, so it is asked each time. */
export async function ensureNetwork(engine: Connection, agent: string, call: Call): Promise<SharedNetwork> {
  const name = networkName(agent);
  const what = 'make the network of this host’s workers';
  const look = (one: string) => engine.json<NetworkJson>({ path: `/networks/${one}`, what, accepts: [404], signal: call.signal });
  // An engine without its default bridge cannot tell its containers the host's address, and refuses to start who asks for it.
  const [found, bridge] = await Promise.all([look(name), look('bridge')]);
  if (bridge.status !== 404 && found.status !== 404) return { name, hostAddress: 'host-gateway' };
  if (found.status === 404) {
    // 409: somebody was faster.
    await engine.json({
      method: 'POST',
      path: '/networks/create',
      body: { Name: name, CheckDuplicate: true, Driver: 'bridge', Labels: { [labels.agent]: agent } },
      accepts: [409],
      what,
      isRead: true,
      signal: call.signal,
    });
    if (bridge.status !== 404) return { name, hostAddress: 'host-gateway' };
  }
  const { value } = found.status === 404 ? await look(name) : found;
  return { name, hostAddress: value.IPAM?.Config?.[0]?.Gateway ?? null };
}
