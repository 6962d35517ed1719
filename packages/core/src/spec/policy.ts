import type { Finding, Mount } from '@ostler/sdk';
import { z } from 'zod';
import type { Neighbour } from './neighbours.ts';
import { flag, text, texts } from './text.ts';

const path = text('an absolute path of this host').regex(/^\//, { error: 'expected an absolute path of this host' });

/** `policy:` of the host file. */
export const policySchema = z.strictObject(
  {
    runtimes: texts('a list of runtimes').optional(),
    users: z.array(z.union([text('a user'), z.int().min(0)]).transform(String), { error: 'expected a list of users, by name or number' }).optional(),
    mountRoots: z.array(path, { error: 'expected a list of folders of this host' }).optional(),
    privileged: flag().optional(),
    hostNamespaces: flag().optional(),
    engineSocket: flag().optional(),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'expected { runtimes, users, mountRoots, privileged, hostNamespaces, engineSocket }') },
);

/** What workers of this host may be. `null` = whatever they like. */
export interface Policy {
  readonly runtimes: readonly string[] | null;
  readonly users: readonly string[] | null;
  readonly mountRoots: readonly string[] | null;
  readonly privileged: boolean;
  readonly hostNamespaces: boolean;
  readonly engineSocket: boolean;
}

/** Of a host file that says nothing: no worker is given the host. */
export const noPolicy: Policy = { runtimes: null, users: null, mountRoots: null, privileged: false, hostNamespaces: false, engineSocket: false };

export function policyOf(written: z.output<typeof policySchema>): Policy {
  const { runtimes = null, users = null, mountRoots = null, privileged = false, hostNamespaces = false, engineSocket = false } = written;
  return { runtimes, users, mountRoots, privileged, hostNamespaces, engineSocket };
}

/** This host, as far as a policy has to look at it. */
export interface HostView {
  /** Without symbolic links; of what does not exist, as far as it does. */
  realPath(path: string): string;
  /** Sockets by which engines, or this agent, are commanded. */
  readonly sockets: readonly string[];
  /** The agent's own user: its name and its number. */
  readonly user: readonly string[];
}

/** Where engines listen unless they are told otherwise. */
const usualSockets = ['/run/docker.sock', '/var/run/docker.sock', '/run/podman/podman.sock', '/run/containerd/containerd.sock', '/run/crio/crio.sock'];
const socketNames = ['docker.sock', 'podman.sock', 'containerd.sock', 'crio.sock'];

const refused = (field: string, what: string): Finding => ({ level: 'refused', field, text: what });
const allow = (line: string): string => `\`policy: { ${line} }\` in the host file allows it`;

/** What the policy of the host does not let a worker have, each with the line that would. */
export function forbidden(policy: Policy, { runtime, class: runtimeClass, spec }: Neighbour, host: HostView): readonly Finding[] {
  const { more } = spec;
  const inContainer = runtimeClass === 'container';
  // A process has what its user has: nothing but a list of what is allowed holds it back.
  if (!inContainer && policy.runtimes === null && policy.users === null && policy.mountRoots === null) return [];
  const block = (more['container'] ?? {}) as Readonly<Record<string, unknown>>;
  const namespaces = inContainer
    ? ([['networkMode', more['networkMode']], ...['pid', 'ipc', 'userns'].map((name) => [`container.${name}`, block[name]] as const)] as const).filter(
        ([, value]) => value === 'host',
      )
    : [];
  return [
    ...(policy.runtimes !== null && !policy.runtimes.includes(runtime)
      ? [refused('runtime', `the runtime ${runtime} is not one of those that policy.runtimes allows: ${listed(policy.runtimes)}`)]
      : []),
    ...userFindings(policy, spec.user, inContainer, host),
    ...(inContainer && more['privileged'] === true && !policy.privileged
      ? [refused('privileged', `privileged gives a container the whole host; ${allow('privileged: true')}`)]
      : []),
    ...(policy.hostNamespaces
      ? []
      : namespaces.map(([field]) => refused(field, `${field}: host gives a container a namespace of the host; ${allow('hostNamespaces: true')}`))),
    ...spec.mounts
      .flatMap((mount) => pathOf(mount) ?? [])
      .flatMap((path) => mountFinding(policy, path, inContainer, host) ?? [])
      .map((what) => refused('mounts', what)),
  ];
}

/** The path of the host that a mount gives; also by a volume that only stands for a folder, or a disk. `null` = none. */
function pathOf({ from }: Mount): string | null {
  if ('path' in from) return from.path;
  const device = 'volume' in from ? from.definition?.driverOpts['device'] : undefined;
  return device?.startsWith('/') ? device : null;
}

const listed = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));

function userFindings({ users }: Policy, user: string | null, inContainer: boolean, host: HostView): readonly Finding[] {
  if (users === null) return [];
  const own = host.user;
  const names = user === null ? (inContainer ? [] : own) : [user.split(':')[0] ?? ''];
  if (names.some((name) => users.includes(name))) return [];
  const is =
    user === null
      ? inContainer
        ? 'it names no user, so it would be whoever its image says'
        : `it names no user, so it would be the agent’s own, ${own[0] ?? '?'}`
      : `its user is ${user}`;
  return [refused('user', `${is}, and policy.users allows ${listed(users)}`)];
}

function mountFinding(policy: Policy, written: string, inContainer: boolean, host: HostView): string | null {
  const path = host.realPath(written);
  const shown = path === written ? path : `${written} (${path})`;
  const isAllowed = policy.mountRoots?.some((root) => isWithin(host.realPath(root), path)) ?? null;
  if (inContainer && path === '/') {
    if (isAllowed === true && policy.engineSocket) return null;
    return `${shown} is the whole host; ${allow('mountRoots: ["/"], engineSocket: true')}`;
  }
  const socket = inContainer && !policy.engineSocket ? socketIn(path, host) : null;
  if (socket !== null) {
    const is = socket === path ? 'is a socket' : `holds ${socket}, a socket`;
    return `${shown} ${is} by which an engine is commanded, and whoever has it is root on this host; ${allow('engineSocket: true')}`;
  }
  if (isAllowed !== false) return null;
  return `${shown} is not within the folders that policy.mountRoots allows: ${listed(policy.mountRoots ?? [])}`;
}

/** What of an engine is within a path; `null` = nothing. */
function socketIn(path: string, host: HostView): string | null {
  if (socketNames.includes(path.split('/').at(-1) ?? '')) return path;
  return [...host.sockets, ...usualSockets].map((socket) => host.realPath(socket)).find((socket) => isWithin(path, socket)) ?? null;
}

const isWithin = (folder: string, path: string): boolean => folder === '/' || path === folder || path.startsWith(`${folder}/`);
