import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import type { InstanceRef, Observed, Run } from '@ostler/sdk';
import { within } from '../wait-for.ts';
import type { Scene } from './scene.ts';

/** What the child is told; crosses by structured clone. */
export interface AgentOrders {
  readonly module: string;
  readonly runtime: string;
  readonly config: unknown;
  readonly scene: Scene;
}
export type AgentRequest = { readonly open: AgentOrders } | { readonly id: number; readonly ref: InstanceRef; readonly run: Run };
export type AgentReply =
  | { readonly open: true }
  | { readonly id: number; readonly observed: Observed }
  | { readonly id: number | null; readonly failure: string };

/** An agent, as far as a driver can tell: a process that opened it and starts workers by it. */
export interface AgentProcess {
  readonly pid: number;
  start(ref: InstanceRef, run: Run): Promise<Observed>;
  /** Sends the order and does not wait: for a kill while it is carried out. */
  startAndForget(ref: InstanceRef, run: Run): void;
  /** SIGKILL; resolves when it is reaped. */
  kill9(): Promise<void>;
}

export async function spawnAgentProcess(orders: AgentOrders): Promise<AgentProcess> {
  const extension = extname(new URL(import.meta.url).pathname);
  const sources = extension === '.ts' ? ['--conditions=@ostler/source'] : [];
  const child = fork(new URL(`./agent-main${extension}`, import.meta.url), [], {
    execArgv: sources,
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const waiting = new Map<number | null, { resolve(observed: Observed | null): void; reject(error: Error): void }>();
  const failAll = (why: string): void => {
    for (const one of waiting.values()) one.reject(new Error(why));
    waiting.clear();
  };
  child.on('message', (reply: AgentReply) => {
    const id = 'open' in reply ? null : reply.id;
    const one = waiting.get(id);
    waiting.delete(id);
    if ('failure' in reply) one?.reject(new Error(`in the agent process: ${reply.failure}`));
    else one?.resolve('observed' in reply ? reply.observed : null);
  });
  child.once('exit', (code, signal) => failAll(`the agent process ended: ${signal ?? String(code)}`));
  child.once('error', (error) => failAll(`the agent process: ${error.message}`));
  const reply = (id: number | null): Promise<Observed | null> => new Promise((resolve, reject) => void waiting.set(id, { resolve, reject }));

  const opened = reply(null);
  child.send({ open: orders } satisfies AgentRequest);
  await within('an agent process opens the driver', 30_000, opened);
  return agentProcess(child, reply);
}

function agentProcess(child: ChildProcess, reply: (id: number) => Promise<Observed | null>): AgentProcess {
  let last = 0;
  const order = (ref: InstanceRef, run: Run): number => {
    last += 1;
    child.send({ id: last, ref, run } satisfies AgentRequest);
    return last;
  };
  return {
    pid: child.pid ?? -1,
    start: async (ref, run) => (await within('an agent process starts a worker', 60_000, reply(order(ref, run)))) as Observed,
    startAndForget: (ref, run) => {
      reply(order(ref, run)).catch(() => {});
    },
    kill9: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
