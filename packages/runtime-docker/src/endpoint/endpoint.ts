import { runtimeFailure } from '@ostler/sdk';

export interface Tls {
  readonly ca?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
}

/** Where an engine listens, and who said so: shown by `ostler runtimes`. */
export type Endpoint = { readonly url: string; readonly saidBy: string } & (
  | { readonly socketPath: string }
  | { readonly host: string; readonly port: number; readonly tls: Tls | null }
  | { readonly ssh: SshTarget }
);

export interface SshTarget {
  readonly host: string;
  readonly port: number | null;
  readonly user: string | null;
}

const refused = (message: string) => runtimeFailure({ code: 'unsupported', outcome: 'no', retryable: false, message });

/**
 * Reads `unix:///path`, `tcp://host:port`, `http://…`, `https://…` and `ssh://user@host:port`, as the docker command does. `tls`: the client's
 * certificates, which turn `tcp` into https. Throws `unsupported` for other schemes.
 */
export function parseEndpoint(url: string, saidBy: string, tls: Tls | null): Endpoint {
  if (url.startsWith('unix://')) return { url, saidBy, socketPath: url.slice('unix://'.length) || '/var/run/docker.sock' };
  if (url.startsWith('/')) return { url: `unix://${url}`, saidBy, socketPath: url };
  const scheme = /^(\w+):\/\//.exec(url)?.[1] ?? '';
  if (!['tcp', 'http', 'https', 'ssh'].includes(scheme))
    throw refused(`${saidBy} names the engine as ${withoutPassword(url)}; this version reaches engines by unix, tcp, http, https and ssh only`);
  // The URL class knows no default port for tcp, so it is asked as http.
  const parsed = URL.parse(url.replace(/^\w+/, 'http'));
  if (parsed === null || parsed.hostname === '') throw refused(`${saidBy} names the engine as ${withoutPassword(url)}, which is no address`);
  if (scheme === 'ssh') return { url: withoutPassword(url), saidBy, ssh: sshTarget(parsed) };
  const isTls = scheme === 'https' || tls !== null;
  const port = parsed.port === '' ? (isTls ? 2376 : 2375) : Number(parsed.port);
  return { url: withoutPassword(url), saidBy, host: parsed.hostname, port, tls: isTls ? (tls ?? {}) : null };
}

/** A name that ssh would take for an option is no host. */
function sshTarget({ hostname, port, username }: URL): SshTarget {
  if (hostname.startsWith('-') || username.startsWith('-')) throw refused(`"${hostname}" is no host that ssh can reach`);
  return { host: hostname, port: port === '' ? null : Number(port), user: username === '' ? null : decodeURIComponent(username) };
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//');
}
