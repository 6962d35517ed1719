import { flushCompileCache } from 'node:module';
import type { Agent, AgentLogger } from '@ostler/core';
import { notifyServiceManager } from '../agent/notify.ts';
import { type AgentVerbOptions, agentOptions, loadCore } from '../agent/options.ts';

/** The agent as a service: its end leaves the workers running. */
export async function run(options: AgentVerbOptions): Promise<number> {
  let agent: Agent | null = null;
  // A reload that comes while the agent starts must not end it: the file is read then anyway.
  process.on('SIGHUP', () => void agent?.reload());
  const storeThread = (await import('@ostler/core/early')).startStoreThread();
  const loaded = await loadCore();
  const log = loaded.core.createLogger();
  surviveBugs(log);
  agent = await loaded.core.startAgent({ ...(await agentOptions(loaded, options)), mode: 'serve', log, storeThread });
  keepCompiled();
  const { stop } = agent;
  const sayStopping = await notifyServiceManager(process.env, (text) => log.warn({}, text));
  // Not for the workers, which have sockets of their own.
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete process.env[name];
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop({ workers: 'leave', cause: signal }));
  await agent.closed;
  sayStopping();
  return 0;
}

/** Node writes what it compiled only as the process ends, which an agent may never do in peace: once, when it has come up. */
export function keepCompiled(): void {
  setTimeout(() => flushCompileCache(), 2000).unref();
}

/** A promise that nobody waited for is a bug, but no reason to leave the workers alone. What was thrown outside of any promise is. */
export function surviveBugs(log: AgentLogger): void {
  process.on('unhandledRejection', (error) =>
    log.error({ error: error instanceof Error ? error.stack : String(error) }, 'a bug: a failure that nobody handled'),
  );
  process.on('uncaughtException', (error) => {
    log.error({ error: error.stack }, 'the agent cannot go on after this; its workers run on');
    process.exit(1);
  });
}
