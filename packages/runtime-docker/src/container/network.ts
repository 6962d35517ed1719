import type { Call } from '@ostler/sdk';
import type { Connection } from '../engine/connection.ts';
import { labels } from './identity.ts';

/** The network on which an agent's workers find each other by name. */
export const networkName = (agent: string): string => `ostler-${agent.replaceAll('-', '').slice(0, 12)}`;

/** Makes it if it is not there. Its engine may have lost it since it was last seen, so it is asked each time. */
export async function ensureNetwork(engine: Connection, agent: string, call: Call): Promise<string> {
  const name = networkName(agent);
  const what = 'make the network of this host’s workers';
  const found = await engine.json({ path: `/networks/${name}`, what, accepts: [404], signal: call.signal });
  if (found.status !== 404) return name;
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
  return name;
}
