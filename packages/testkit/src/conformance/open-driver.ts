import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { AgentIdentity, Clock, Folders, Logger, type Plugin, type RuntimeDriver, type Token } from '@ostler/sdk';
import type { ZodType } from 'zod';
import type { Scene } from './scene.ts';

export interface OpenDriver {
  readonly driver: RuntimeDriver;
  /** Every line that the plugin logged so far, as JSON. */
  readonly logged: readonly string[];
  /** The driver's close() and the plugin's onStop hooks, last one first. */
  close(): Promise<void>;
}

/** Sets a plugin up as the agent does, and hands out its runtime `name`. Twice with one scene is an agent that came back. */
export async function openDriver(
  plugin: Plugin,
  name: string,
  scene: Scene,
  given: { readonly config?: unknown; readonly services?: ReadonlyMap<symbol, unknown> | undefined } = {},
): Promise<OpenDriver> {
  const logged: string[] = [];
  const starts: ((signal: AbortSignal) => Promise<void>)[] = [];
  const stops: (() => Promise<void>)[] = [];
  const services = new Map<symbol, unknown>([...ownServices(scene, logged), ...(given.services ?? [])]);
  const needs = Object.entries(plugin.needs ?? {}).map(([key, token]: [string, Token<unknown>]) => {
    if (!services.has(token)) throw new Error(`${plugin.id} needs ${String(token)}, which this kit does not have: give it by \`services\``);
    return [key, services.get(token)] as const;
  });
  const config: unknown = plugin.config === undefined ? {} : plugin.config.parse(given.config ?? {});
  const gives = plugin.setup({ config, ...Object.fromEntries(needs) }, { onStart: (run) => void starts.push(run), onStop: (run) => void stops.unshift(run) });
  const driver = gives.runtimes?.[name] as RuntimeDriver | undefined;
  if (driver === undefined) throw new Error(`${plugin.id} brings no runtime ${name}; it brings: ${Object.keys(gives.runtimes ?? {}).join(', ') || 'none'}`);
  const life = new AbortController();
  for (const run of starts) await run(life.signal);
  const close = async (): Promise<void> => {
    life.abort();
    await driver.close();
    for (const run of stops) await run();
  };
  return { driver, logged, close };
}

/** The worker's block for this runtime, through the schema that the plugin declares. */
export function parseOptions(plugin: Plugin, name: string, block: unknown): unknown {
  const declared = plugin.contributes.runtimes?.[name] as { readonly options: ZodType } | undefined;
  if (declared === undefined) throw new Error(`${plugin.id} declares no runtime ${name}`);
  return declared.options.parse(block);
}

function ownServices(scene: Scene, logged: string[]): readonly (readonly [symbol, unknown])[] {
  const log = (level: string) => (fields: object, message: string) => void logged.push(JSON.stringify({ level, message, ...fields }));
  const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  const clock: Clock = {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    sleep: (ms, signal) => pause(ms, undefined, signal === undefined ? {} : { signal }),
  };
  const folders: Folders = { state: scene.stateDir, secrets: () => scene.secretsDir };
  const identity: AgentIdentity = { id: scene.agent, host: hostname() };
  return [
    [Logger, logger],
    [Clock, clock],
    [Folders, folders],
    [AgentIdentity, identity],
  ];
}
