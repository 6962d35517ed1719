import type { Finding, NetworkUse, WorkerSpec } from '@ostler/sdk';
import { isLoopback } from './address.ts';
import { defaultNetwork, ownerIn } from './network.ts';
import type { RuntimeClass } from './registry.ts';
import type { WorkerRules } from './rules.ts';

// How workers of one host reach each other, be they containers or processes.

/** A worker on the runtime that it has. */
export interface Neighbour {
  readonly runtime: string;
  readonly class: RuntimeClass;
  readonly spec: WorkerSpec;
  /** By which it reaches its host from a network of its own; absent: as engines usually have it. */
  readonly hostName?: string | undefined;
}

export type Neighbours = (worker: string) => Neighbour | undefined;

/** The name by which a container reaches its host, unless its engine has another one. */
const usualHostName = 'host.docker.internal';

/** The worker whose network this one shares; `null` = it has its own. */
export const ownerOf = ({ more }: Pick<WorkerSpec, 'more'>): string | null => ownerIn(more['networkMode']);

interface Standing {
  /** `host`: on the host's own network; `none`: on no network. */
  readonly on: 'host' | 'none' | 'networks';
  /** Whose network it is: its own, or that of the worker with which it shares one. */
  readonly owner: string;
  readonly networks: readonly string[];
}

function standingOf({ class: runtimeClass, spec }: Neighbour, get: Neighbours): Standing {
  const own = { owner: spec.name, networks: [] };
  const mode = spec.more['networkMode'];
  if (runtimeClass === 'process' || mode === 'host') return { ...own, on: 'host' };
  if (mode === 'none') return { ...own, on: 'none' };
  const owner = ownerOf(spec);
  if (owner === null) return { ...own, on: 'networks', networks: Object.keys((spec.more['networks'] ?? { [defaultNetwork]: null }) as object) };
  const shared = get(owner);
  // It has to be one that shares nobody's itself.
  if (shared === undefined || ownerOf(shared.spec) !== null) return { ...own, on: 'none', owner };
  return { ...standingOf(shared, get), owner };
}

/**
 * `address:port` at which one worker reaches the first port of another; `null` = at none. `reached`: where the agent reaches it, which is on the host
 * itself.
 */
export function addressBetween(from: Neighbour, to: Neighbour, reached: string | null, get: Neighbours): string | null {
  const [port] = to.spec.ports;
  const { hostName = usualHostName } = from;
  if (from.class === 'cluster' || to.class === 'cluster') return reached;
  const [here, there] = [standingOf(from, get), standingOf(to, get)];
  const isSameEngine = from.runtime === to.runtime;
  if (here.on === 'host') return reached;
  if (port === undefined) return null;
  if (isSameEngine && here.owner === there.owner) return `127.0.0.1:${port.port}`;
  if (here.on === 'none' || there.on === 'none') return null;
  if (there.on === 'host') return `${hostName}:${to.class === 'process' ? (port.publish?.port ?? port.port) : port.port}`;
  if (isSameEngine && here.networks.some((name) => there.networks.includes(name))) return `${there.owner}:${port.port}`;
  return port.publish !== null && !isLoopback(port.publish.address) ? `${hostName}:${port.publish.port}` : null;
}

/** What is wrong between a worker on its runtime and others on theirs: whose network it shares, whom it depends on. */
export function betweenFindings(from: Neighbour, rules: Pick<WorkerRules, 'dependsOn'>, get: Neighbours): readonly Finding[] {
  return [...sharingFindings(from, get), ...rules.dependsOn.flatMap(({ worker }) => reachFindings(from, get(worker), get))];
}

function sharingFindings(from: Neighbour, get: Neighbours): readonly Finding[] {
  const owner = ownerOf(from.spec);
  const other = owner === null ? undefined : get(owner);
  if (from.class !== 'container' || other === undefined || other.runtime === from.runtime) return [];
  const text = `networkMode: it would be on ${from.runtime}, and ${owner}, whose network it shares, on ${other.runtime}: both need the same runtime`;
  return [{ level: 'refused', field: 'networkMode', text }];
}

/** What it will find at the address of a dependency that it is given, or why it is given none. */
function reachFindings(from: Neighbour, to: Neighbour | undefined, get: Neighbours): readonly Finding[] {
  const port = to?.spec.ports[0];
  if (to === undefined || port === undefined || from.class !== 'container') return [];
  const { name } = to.spec;
  const said = (text: string): readonly Finding[] => [{ level: 'unenforced', field: 'dependsOn', text: `dependsOn: ${text}` }];
  const address = addressBetween(from, to, `127.0.0.1:${port.port}`, get);
  if (address === null)
    return said(`it is given no address of ${name}, for no network has both and ${name} publishes no port on an address that containers reach`);
  const isOnLoopback =
    to.class === 'process' && address.startsWith(from.hostName ?? usualHostName) && port.publish !== null && isLoopback(port.publish.address);
  if (!isOnLoopback) return [];
  return said(
    `it reaches ${name} at ${address}, so ${name} has to listen there too, not on ${port.publish?.address} alone; where it does, write \`ports: ["0.0.0.0:${port.port}:${port.port}"]\` for it`,
  );
}

/** The networks of a worker in the normal form. */
export const networksOf = ({ more }: WorkerSpec): Readonly<Record<string, NetworkUse>> =>
  (more['networks'] ?? {}) as unknown as Readonly<Record<string, NetworkUse>>;
