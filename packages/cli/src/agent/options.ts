import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AgentOptions, Paths } from '@ostler/core';
import type { CommonOptions } from '../verb.ts';

export interface AgentVerbOptions extends CommonOptions {
  readonly profile?: readonly string[] | undefined;
}

/** Core and the plugins that come with ostler, loaded only by the verbs that need them. */
export async function loadCore() {
  const [core, native, docker] = await Promise.all([import('@ostler/core'), import('@ostler/runtime-native'), import('@ostler/runtime-docker')]);
  const builtins = [native.default, docker.default].map((plugin) => ({
    plugin,
    from: dirname(dirname(fileURLToPath(import.meta.resolve(plugin.id)))),
    release: ownRelease(),
  }));
  return { core, builtins };
}
export type Core = Awaited<ReturnType<typeof loadCore>>['core'];

/** Where this call's agent keeps things. */
export function pathsOf(core: Core, { dataDir, socket }: CommonOptions): Paths {
  return core.findPaths({ dataDir, socket, env: process.env, uid: process.getuid?.() ?? 0, home: homedir() });
}

/** What an agent, or a check without one, is made with. Throws a problem when there is no host file. */
export async function agentOptions(
  { core, builtins }: Awaited<ReturnType<typeof loadCore>>,
  options: AgentVerbOptions,
): Promise<Omit<AgentOptions, 'mode' | 'log'>> {
  const hostFile = await core.findHostFile({ config: options.config, cwd: process.cwd(), env: process.env });
  return {
    hostFile,
    paths: pathsOf(core, options),
    release: ownRelease(),
    builtins,
    ownFolder: dirname(fileURLToPath(import.meta.url)),
    profiles: options.profile ?? [],
    env: process.env,
  };
}

/** Of this package: its manifest stands above the sources and above the bundle. */
export function ownRelease(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { name: string; version: string };
      if (name === 'ostler') return version;
    } catch {}
  }
  return 'unknown';
}
