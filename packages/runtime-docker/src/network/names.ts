import type { Call } from '@ostler/sdk';
import { labels } from '../container/identity.ts';
import type { Connection } from '../engine/connection.ts';

interface PodmanNetwork {
  readonly internal?: boolean;
  readonly dns_enabled?: boolean;
}

/** Whether a Podman has made networks of ours without names on them, which it tells in its own API alone: it lacks the program for it. */
export async function lacksNames(engine: Connection, { signal }: Call): Promise<boolean> {
  const { status, value } = await engine.json<readonly PodmanNetwork[] | null>({
    path: '/v4.0.0/libpod/networks/json',
    query: { filters: JSON.stringify({ label: [labels.agent] }) },
    what: 'ask the engine for its networks',
    accepts: [400, 404, 500],
    signal,
  });
  return status === 200 && (value ?? []).some((network) => network.internal !== true && network.dns_enabled === false);
}
