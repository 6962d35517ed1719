// Runs as a process of its own: an agent that can be killed. Orders come over the IPC channel that fork() makes.
import { isPlugin, type RuntimeDriver } from '@ostler/sdk';
import type { AgentOrders, AgentReply, AgentRequest } from './agent-process.ts';
import { openDriver } from './open-driver.ts';

let driver: RuntimeDriver | undefined;

async function open(orders: AgentOrders): Promise<void> {
  const exported = (await import(orders.module)) as Record<string, unknown>;
  const plugin = [exported['default'], ...Object.values(exported)].find(isPlugin);
  if (plugin === undefined) throw new Error(`${orders.module} exports no plugin: name a module that does by \`module\``);
  driver = (await openDriver(plugin, orders.runtime, orders.scene, { config: orders.config })).driver;
}

const answer = (reply: AgentReply): void => {
  if (process.connected) process.send?.(reply);
};
const text = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

process.on('message', (request: AgentRequest) => {
  if ('open' in request) {
    open(request.open).then(
      () => answer({ open: true }),
      (error: unknown) => answer({ id: null, failure: text(error) }),
    );
    return;
  }
  const { id, ref, run } = request;
  const call = { signal: AbortSignal.timeout(60_000), deadlineMs: Date.now() + 60_000, progress: () => {}, output: () => {} };
  Promise.resolve(driver)
    .then((open) => open?.start(ref, run, call))
    .then(
      (observed) => (observed === undefined ? answer({ id, failure: 'no driver is open' }) : answer({ id, observed })),
      (error: unknown) => answer({ id, failure: text(error) }),
    );
});
// a parent that is gone wants nothing any more
process.on('disconnect', () => process.exit(0));
