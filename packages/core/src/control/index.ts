import { runtimeFailure } from '@ostler/sdk';
import type { Control } from '../api/control.ts';
import { callWithDeadline } from '../base/call.ts';
import type { Supervisor } from '../supervise/index.ts';
import * as byHand from './by-hand.ts';
import { doctor } from './doctor.ts';
import { events, followEvents } from './events.ts';
import { logs } from './logs.ts';
import { type Parts, wireProblemOf, workerOf } from './parts.ts';
import { psDocument } from './ps.ts';
import * as runs from './run.ts';
import { whyOf } from './why.ts';

export { asProblem, type Parts } from './parts.ts';

/** The agent as it lets itself be told. */
export function makeControl(parts: Parts): Control {
  return {
    agent() {
      const failed = parts.hostFileProblem();
      const { agentId, release, mode, startedAt, paths } = parts;
      return {
        ...{ version: 1, agent: agentId, host: parts.hostName(), release, pid: process.pid, mode, startedAt, hostFile: parts.hostFile() },
        ...{ dataDir: paths.dataDir, socket: paths.socket, hostFileProblem: failed === null ? null : wireProblemOf(failed) },
      };
    },
    ps: () => psDocument(parts),
    stats: (signal) => stats(parts, signal),
    runtimes: async (signal) => ({ version: 1, runtimes: await parts.hosting.document(signal) }),
    plugins: () => ({ version: 1, plugins: parts.plugins() }),
    doctor: async () => doctor(parts),
    why: (worker) => whyOf(parts, worker),
    events: (query) => events(parts, query),
    followEvents: (query, signal) => followEvents(parts, query, signal),
    logs: (worker, query, signal) => logs(parts, worker, query, signal),
    plan: (request, signal) => byHand.plan(parts, request, signal),
    apply: (request, by, signal) => byHand.apply(parts, request, by, signal),
    start: (...given) => byHand.start(parts, ...given),
    stop: (...given) => byHand.stop(parts, ...given),
    restart: (...given) => byHand.restart(parts, ...given),
    run: (...given) => runs.run(parts, ...given),
    awaitRun: (...given) => runs.awaitRun(parts, ...given),
    cancelRun: (...given) => runs.cancelRun(parts, ...given),
    async kill(worker, signalName, by) {
      await livingOf(parts, worker).signal(signalName, by);
    },
    exec: (worker, argv, io, signal) => exec(parts, worker, argv, io, signal),
    down: (request, by, signal) => byHand.down(parts, request, by, signal),
    reload: () => parts.reload(),
  };
}

/** One that is being stopped too: it may hang there, and be looked into, or ended at once. */
function livingOf(parts: Parts, worker: string): Supervisor {
  const one = workerOf(parts, worker);
  if (one.life.phase === 'running' || one.life.phase === 'stopping') return one;
  throw runtimeFailure({ code: 'not-running', outcome: 'no', retryable: false, message: `${worker} is not running` });
}

async function exec(parts: Parts, worker: string, argv: readonly string[], io: { readonly tty: boolean; readonly user: string | null }, signal: AbortSignal) {
  const one = livingOf(parts, worker);
  const target = one.target();
  const runtime = parts.crew.services.runtime(one.runtimeName() ?? '');
  if (target === null) throw runtimeFailure({ code: 'not-running', outcome: 'no', retryable: false, message: `${worker} is not running` });
  if (runtime?.driver.exec === undefined)
    throw runtimeFailure({
      code: 'unsupported',
      outcome: 'no',
      retryable: false,
      message: `the runtime ${runtime?.name ?? ''} cannot run a command in a worker`,
    });
  const call = { signal, deadlineMs: Number.MAX_SAFE_INTEGER, progress() {}, output() {} };
  return runtime.driver.exec(target, argv, { tty: io.tty, ...(io.user === null ? {} : { user: io.user }) }, call);
}

async function stats(parts: Parts, signal: AbortSignal) {
  const { clock, stuck } = parts.crew.services;
  const of = parts.crew.all().filter(({ life }) => life.phase === 'running');
  const rows = await Promise.all(
    [...parts.hosting.runtimes.values()].map(async ({ hosted }) => {
      const own = of.filter((one) => one.runtimeName() === hosted.name);
      const ask = hosted.driver.stats;
      if (ask === undefined || own.length === 0) return [];
      const targets = own.map((one) => one.target()!);
      const limits = { name: `usage on ${hosted.name}`, plugin: hosted.pluginId, ms: 5000, clock, stuck, isMutating: false, signal };
      const usages = await callWithDeadline(limits, (call) => ask.call(hosted.driver, targets, call)).catch(() => []);
      return own.map((one, index) => {
        const { cpuNs = null, memoryBytes = null, ioBytes = null } = usages[index] ?? {};
        return { name: one.worker, cpuNs, memoryBytes, ioBytes };
      });
    }),
  );
  return { version: 1 as const, workers: rows.flat() };
}
