import { type Call, isRuntimeFailure } from '@ostler/sdk';
import { labels } from '../container/identity.ts';
import type { Connection } from '../engine/connection.ts';
import { refusal } from '../errors.ts';

export interface NetworkJson {
  readonly Id: string;
  readonly Name: string;
  readonly Internal?: boolean;
  /** RFC 3339. */
  readonly Created?: string;
  readonly Labels?: Readonly<Record<string, string>> | null;
  readonly IPAM?: { readonly Config?: readonly { readonly Subnet?: string; readonly Gateway?: string }[] | null } | null;
}

/** `null` = the engine has none of that name. It would take the beginning of an id for a name, too. */
export async function lookAt(engine: Connection, name: string, what: string, { signal }: Call): Promise<NetworkJson | null> {
  const { status, value } = await engine.json<NetworkJson>({ path: `/networks/${encodeURIComponent(name)}`, what, accepts: [404], signal });
  return status === 404 || value.Name !== name ? null : value;
}

/**
 * The same, where an agent that died while it made one, and the next one that made it too, may have left two: the engine calls that ambiguous (400, 409)
 * and lets nobody on either. Those of this agent that nobody is on go, but for the oldest.
 */
export async function lookAtOne(engine: Connection, agent: string, name: string, what: string, call: Call): Promise<NetworkJson | null> {
  try {
    return await lookAt(engine, name, what, call);
  } catch (error) {
    if (!isRuntimeFailure(error) || !/ambiguous/i.test(error.message)) throw error;
  }
  const query = { filters: JSON.stringify({ name: [name] }) };
  const { value } = await engine.json<readonly NetworkJson[]>({ path: '/networks', query, what, signal: call.signal });
  const ours = value.filter((one) => one.Name === name && agentOf(one) === agent).sort((a, b) => ((a.Created ?? '') < (b.Created ?? '') ? -1 : 1));
  for (const { Id } of ours.slice(1))
    await engine.json({ method: 'DELETE', path: `/networks/${Id}`, what, accepts: [403, 404, 409, 500], isRead: true, signal: call.signal });
  return lookAt(engine, name, what, call);
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
