import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentDocument, AgentLogger, AgentOptions, OutcomeDocument } from '@ostler/core';
import { type AgentVerbOptions, agentOptions, loadCore, pathsOf } from '../agent/options.ts';
import { spawnServe } from '../agent/spawn-serve.ts';
import { type Client, connect } from '../client/client.ts';
import { Failure } from '../failure.ts';
import { sayOutcome } from '../outcome.ts';
import { note } from '../print.ts';
import { socketOf } from '../socket.ts';
import { keepCompiled, surviveBugs } from './serve.ts';

export interface UpOptions extends AgentVerbOptions {
  readonly detach?: boolean | undefined;
  readonly waitMs?: number | undefined;
}

const usualWaitMs = 120_000;

/** The agent in the foreground with its workers; beside an agent that runs, applies the host file and attaches to it. */
export async function run(options: UpOptions): Promise<number> {
  const socket = socketOf(options);
  const client = connect(socket);
  // Nothing answers where no socket is: not asked, for the time it takes.
  const running = existsSync(socket) ? await agentOf(client) : null;
  const storeThread = running === null && !options.detach ? (await import('@ostler/core/early')).startStoreThread() : undefined;
  const loaded = await loadCore();
  const paths = pathsOf(loaded.core, options);
  if (options.detach) {
    const given = await agentOptions(loaded, options);
    if (running === null) await spawnServe(options, given.hostFile, paths, client);
    return applied(client, options, given.hostFile);
  }
  if (running !== null) {
    const { hostFile } = await agentOptions(loaded, options);
    note(`an agent runs already (pid ${running.pid}): applying ${hostFile} and attaching; Ctrl-C detaches`, options);
    const code = await applied(client, { ...options, waitMs: 0 }, hostFile);
    if (code !== 0 && code !== 4) return code;
    await attachUntilInterrupted(client);
    return 0;
  }
  return foreground(loaded, options, client, storeThread);
}

async function foreground(
  loaded: Awaited<ReturnType<typeof loadCore>>,
  options: UpOptions,
  client: Client,
  storeThread: AgentOptions['storeThread'],
): Promise<number> {
  const { core } = loaded;
  const isTty = process.stdout.isTTY === true;
  const given = await agentOptions(loaded, options);
  // A live table and log lines do not go together on one terminal.
  const log: AgentLogger = isTty ? await fileLog(core, given.paths.dataDir) : core.createLogger({ level: options.quiet ? 'error' : 'warn' });
  surviveBugs(log);
  const ended = new AbortController();
  let agent: Awaited<ReturnType<typeof core.startAgent>> | null = null;
  let asked = 0;
  const interrupt = (signal: NodeJS.Signals): void => {
    asked += 1;
    if (asked > 2) process.exit(130);
    if (asked === 2) process.stderr.write('still stopping the workers, each within its grace; once more leaves at once and leaves them running\n');
    if (asked > 1) return;
    ended.abort();
    if (agent !== null) void agent.stop({ workers: 'stop', cause: signal === 'SIGINT' ? 'Ctrl-C' : signal });
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  agent = await core.startAgent({ ...given, mode: 'up', log, storeThread });
  keepCompiled();
  // Asked to end while it came up.
  if (asked > 0) void agent.stop({ workers: 'stop', cause: 'Ctrl-C' });
  void agent.closed.then(() => ended.abort());
  const { attach } = await import('../table/attach.ts');
  await attach(client, { signal: ended.signal, isTty, footer: 'Ctrl-C stops the workers and the agent' });
  if (asked > 0 && isTty) note('stopping the workers …', options);
  await agent.closed;
  return 0;
}

async function fileLog(core: Awaited<ReturnType<typeof loadCore>>['core'], dataDir: string): Promise<AgentLogger> {
  const { mkdir } = await import('node:fs/promises');
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    return core.createLogger({ file: join(dataDir, 'agent.log') });
  } catch {
    // What is wrong with the folder is for the agent to say.
    return core.createLogger({ level: 'error' });
  }
}

async function attachUntilInterrupted(client: Client): Promise<void> {
  const { untilInterrupted } = await import('../print.ts');
  const { attach } = await import('../table/attach.ts');
  const { signal, end } = untilInterrupted();
  await attach(client, { signal, isTty: process.stdout.isTTY === true, footer: 'Ctrl-C detaches; the workers run on' });
  end();
}

async function applied(client: Client, options: UpOptions, hostFile: string): Promise<number> {
  const waitMs = options.waitMs ?? usualWaitMs;
  const outcome = await client.request<OutcomeDocument>('POST', '/v1/apply', { release: true, hostFile, waitMs }, { deadlineMs: waitMs + 60_000 });
  return sayOutcome(outcome, options);
}

async function agentOf(client: Client): Promise<AgentDocument | null> {
  try {
    return await client.request<AgentDocument>('GET', '/v1/agent');
  } catch (error) {
    if (error instanceof Failure && error.exitCode === 3) return null;
    throw error;
  }
}
