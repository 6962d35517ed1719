import type { Call } from '@ostler/sdk';
import { labels } from '../container/identity.ts';
import type { Connection } from '../engine/connection.ts';
import { refusal } from '../errors.ts';

export interface NetworkJson {
  readonly Id: string;
  readonly Name: string;
  readonly Internal?: boolean;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly IPAM?: { readonly Config?: readonly { readonly Subnet?: string; readonly Gateway?: string }[] | null } | null;
}

/** `null` = the engine has none of that name. It would take the beginning of an id for a name, too. */
export async function lookAt(engine: Connection, name: string, what: string, { signal }: Call): Promise<NetworkJson | null> {
  const { status, value } = await engine.json<NetworkJson>({ path: `/networks/${encodeURIComponent(name)}`, what, accepts: [404], signal });
  return status === 404 || value.Name !== name ? null : value;
}

export const agentOf = ({ Labels }: NetworkJson): string | null => Labels?.[labels.agent] ?? null;

export const externalMissing = (name: string): Error =>
  refusal(
    'not-found',
    `the network ${name} is external, and the engine has none of that name; make it there, or leave \`external\` out and it is made here`,
    true,
  );

/** That it is somebody else's, and whose. */
export function foreign(found: NetworkJson, network: string): Error {
  const project = found.Labels?.['com.docker.compose.project'];
  const owner = project !== undefined ? `the Compose project ${project}` : agentOf(found) !== null ? 'another ostler agent' : 'somebody else';
  const text = `the network ${found.Name} belongs to ${owner}; give networks.${network} another \`name\`, or write \`external: true\` to use that one as it is`;
  return refusal('conflict', text);
}
