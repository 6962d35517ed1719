import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runtimeFailure } from '@ostler/sdk';
import { type Endpoint, parseEndpoint, type Tls } from './endpoint.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The folder of the docker command's own settings. */
export function dockerFolder(env: Environment): string {
  return env['DOCKER_CONFIG'] ?? join(env['HOME'] ?? homedir(), '.docker');
}

/** The docker command's config.json; empty when there is none. Throws `invalid` when it cannot be read. */
export function dockerSettings(env: Environment): Readonly<Record<string, unknown>> {
  const path = join(dockerFolder(env), 'config.json');
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, unknown>>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw runtimeFailure({ code: 'invalid', outcome: 'no', retryable: false, message: `${path} cannot be read: ${(error as Error).message}` });
  }
}

/** The certificates of a folder; `null` = it has none. */
export function tlsOf(folder: string): Tls | null {
  const file = (name: string): Buffer | undefined => (existsSync(join(folder, name)) ? readFileSync(join(folder, name)) : undefined);
  const [ca, cert, key] = [file('ca.pem'), file('cert.pem'), file('key.pem')];
  return ca === undefined && cert === undefined ? null : { ca, cert, key };
}

/**
 * The endpoint of a context of the docker command, from `contexts/meta/<sha256 of its name>/meta.json` (docker/cli, cli/context/store).
 * `null` = the context is `default`, which names no endpoint. Throws `not-found` for one that does not exist.
 */
export function contextEndpoint(name: string, saidBy: string, env: Environment): Endpoint | null {
  if (name === 'default') return null;
  const folder = join(dockerFolder(env), 'contexts');
  const id = createHash('sha256').update(name).digest('hex');
  const path = join(folder, 'meta', id, 'meta.json');
  let meta: { readonly Endpoints?: { readonly docker?: { readonly Host?: string } } };
  try {
    meta = JSON.parse(readFileSync(path, 'utf8')) as typeof meta;
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such context' : (error as Error).message;
    throw runtimeFailure({ code: 'not-found', outcome: 'no', retryable: false, message: `${saidBy} names the docker context "${name}", but ${why} (${path})` });
  }
  const host = meta.Endpoints?.docker?.Host;
  if (host === undefined || host === '') return null;
  return parseEndpoint(host, `the docker context "${name}"`, tlsOf(join(folder, 'tls', id, 'docker')));
}
