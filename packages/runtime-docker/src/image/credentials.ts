import { execFile } from 'node:child_process';
import type { Call } from '@ostler/sdk';
import { dockerSettings } from '../endpoint/context.ts';
import { refusal } from '../errors.ts';

export interface Login {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
}

/** URL-safe, and padded: without, Docker takes it for no login at all (it decodes by Go's base64.URLEncoding). */
export function encoded(login: Login & { readonly serveraddress: string }): string {
  return Buffer.from(JSON.stringify(login)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

/** Docker's own hub goes by the address of its first API. */
const keyOf = (registry: string): string => (registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry);

/** The header that carries {@link loginFor} a registry. Empty = there is none. */
export async function registryHeaders(registry: string, call: Call, env = process.env): Promise<Readonly<Record<string, string>>> {
  const login = await loginFor(registry, call, env);
  return login === null ? {} : { 'X-Registry-Auth': encoded({ ...login, serveraddress: keyOf(registry) }) };
}

/**
 * What `docker login` left for a registry: from a credential helper if one is set, else from `auths` of config.json. `null` = none.
 * Throws `unauthorized` when a helper is set but fails. The values are in no message.
 */
export async function loginFor(registry: string, call: Call, env = process.env): Promise<Login | null> {
  const settings = dockerSettings(env) as {
    readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>;
    readonly credHelpers?: Readonly<Record<string, string>>;
    readonly credsStore?: string;
  };
  const key = keyOf(registry);
  const helper = settings.credHelpers?.[key] ?? settings.credHelpers?.[registry] ?? settings.credsStore;
  return (helper === undefined || helper === '' ? null : await fromHelper(helper, key, call)) ?? fromAuths(settings.auths, key);
}

function fromAuths(auths: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>> = {}, key: string): Login | null {
  const bare = (name: string): string => name.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  const found = auths[key] ?? Object.entries(auths).find(([name]) => bare(name) === bare(key))?.[1];
  if (found?.identitytoken !== undefined && found.identitytoken !== '') return { identitytoken: found.identitytoken };
  if (found?.auth === undefined || found.auth === '') return null;
  const pair = Buffer.from(found.auth, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? null : { username: pair.slice(0, colon), password: pair.slice(colon + 1).replace(/\0+$/, '') };
}

/** docker-credential-helpers: the registry on its stdin, JSON on its stdout. `null` = it knows none. */
async function fromHelper(helper: string, key: string, { signal }: Call): Promise<Login | null> {
  if (!/^[\w.-]+$/.test(helper)) throw refusal('invalid', `docker's config.json names a credential helper "${helper}", which is no name`);
  const said = await new Promise<{ readonly error: Error | null; readonly stdout: string }>((resolve) => {
    const child = execFile(`docker-credential-${helper}`, ['get'], { signal, timeout: 10_000 }, (error, stdout) => resolve({ error, stdout }));
    child.stdin?.on('error', () => {});
    child.stdin?.end(key);
  });
  if (/credentials not found/i.test(said.stdout)) return null;
  if (said.error !== null) throw refusal('unauthorized', `the credential helper docker-credential-${helper} did not give the login for ${key}`, true);
  try {
    const { Username, Secret } = JSON.parse(said.stdout) as { readonly Username: string; readonly Secret: string };
    return Username === '<token>' ? { identitytoken: Secret } : { username: Username, password: Secret };
  } catch {
    throw refusal('unauthorized', `the credential helper docker-credential-${helper} answered with something that is no login`);
  }
}
