import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { EngineConfig } from '../config.ts';
import type { Flavour } from '../flavour.ts';
import { contextEndpoint, dockerFolder, dockerSettings, tlsOf } from './context.ts';
import { type Endpoint, parseEndpoint } from './endpoint.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the engine listens: the plugin's config, then what the engine's own command would take (DOCKER_HOST, DOCKER_CONTEXT, its current context;
 * CONTAINER_HOST for podman), then the first socket that exists, the system's before the user's own. Without any, the system's: asking it tells why not.
 */
export function findEndpoint(flavour: Flavour, config: EngineConfig, env: Environment = process.env): Endpoint {
  const tls = env['DOCKER_TLS_VERIFY'] ? tlsOf(env['DOCKER_CERT_PATH'] ?? dockerFolder(env)) : null;
  if (config.host !== undefined) return parseEndpoint(config.host, 'the plugin config', tls);
  const said = flavour === 'docker' ? saidToDocker(config, env) : saidToPodman(env);
  if (said !== null) return said;
  const sockets = socketsOf(flavour, env);
  const path = sockets.find((one) => existsSync(one)) ?? sockets[0] ?? '';
  return parseEndpoint(path, existsSync(path) ? 'its socket' : `none of ${sockets.join(', ')} exists, so the first`, null);
}

/**
 * Whether this host has no such engine, so that nothing is late: nobody says where one is, there is no socket, and for Docker no program of it either.
 * Podman's program alone says nothing, for it needs no service; that one's socket is made early as a host comes up.
 */
export function isMissing(flavour: Flavour, config: EngineConfig, env: Environment = process.env): boolean {
  if (config.host !== undefined || (flavour === 'docker' ? saidToDocker(config, env) : saidToPodman(env)) !== null) return false;
  if (socketsOf(flavour, env).some((path) => existsSync(path))) return false;
  const folders = (env['PATH'] ?? '').split(':').filter((folder) => folder !== '');
  return flavour === 'podman' || !folders.some((folder) => ['dockerd', 'docker'].some((program) => existsSync(join(folder, program))));
}

function saidToDocker(config: EngineConfig, env: Environment): Endpoint | null {
  if (config.context !== undefined) return contextEndpoint(config.context, 'the plugin config', env);
  const tls = env['DOCKER_TLS_VERIFY'] ? tlsOf(env['DOCKER_CERT_PATH'] ?? dockerFolder(env)) : null;
  if (env['DOCKER_HOST']) return parseEndpoint(env['DOCKER_HOST'], 'DOCKER_HOST', tls);
  if (env['DOCKER_CONTEXT']) return contextEndpoint(env['DOCKER_CONTEXT'], 'DOCKER_CONTEXT', env);
  const current = dockerSettings(env)['currentContext'];
  return typeof current === 'string' && current !== '' ? contextEndpoint(current, "docker's config.json", env) : null;
}

function saidToPodman(env: Environment): Endpoint | null {
  return env['CONTAINER_HOST'] ? parseEndpoint(env['CONTAINER_HOST'], 'CONTAINER_HOST', null) : null;
}

/** Where engines put their sockets, most likely first. */
function socketsOf(flavour: Flavour, env: Environment): readonly string[] {
  const home = env['HOME'] ?? homedir();
  const run = env['XDG_RUNTIME_DIR'];
  const own = (name: string) => (run === undefined ? [] : [join(run, name)]);
  if (flavour === 'podman') return ['/run/podman/podman.sock', ...own('podman/podman.sock')];
  return ['/var/run/docker.sock', ...own('docker.sock'), join(home, '.docker/run/docker.sock')];
}
