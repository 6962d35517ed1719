import {
  type Artifact,
  type Call,
  type Found,
  type InstanceRef,
  isRuntimeFailure,
  type Observed,
  type RuntimeFailure,
  type Secrets,
  type StopRule,
  type Target,
  type WorkerSpec,
} from '@ostler/sdk';
import { callWithDeadline } from '../base/call.ts';
import { isProblem } from '../base/problem.ts';
import type { Normal } from '../spec/index.ts';
import type { GenerationRecord } from '../store/index.ts';
import { environmentOf } from './environment.ts';
import type { RuntimeAccess, Services } from './services.ts';

// The calls that a supervisor makes to a runtime: each with its deadline, its name for people, and what it means when it is lost.

/** Milliseconds, from the contract. */
const deadlines = {
  resolve: 30_000,
  start: 90_000,
  inspect: 5000,
  stopBeyondGrace: 30_000,
  remove: 60_000,
  cleared: 60_000,
  prepareIdle: 120_000,
  signal: 5000,
  lastLines: 1000,
} as const;
const noSecrets: Secrets = { files: [], env: {} };

/** What a call is made with. */
type Asking = Pick<Services, 'clock' | 'stuck' | 'inPlugin'>;

function callOf(services: Asking, runtime: RuntimeAccess, what: string, worker: string, ms: number | null, isMutating: boolean, signal?: AbortSignal) {
  const { clock, stuck } = services;
  return { name: `${what} of ${worker} on ${runtime.name}`, plugin: runtime.plugin, ms, clock, stuck, isMutating, signal };
}

/** Runs a driver's method so that the watchdog can name whose code it is. */
const inside =
  <T>(services: Asking, runtime: RuntimeAccess, run: (call: Call) => Promise<T>) =>
  (call: Call) =>
    services.inPlugin(runtime.plugin, () => run(call));

export function prepare(services: Services, runtime: RuntimeAccess, { artifact }: GenerationRecord, { spec }: Normal, signal: AbortSignal): Promise<void> {
  return prepareArtifact(services, runtime, spec, artifact, signal);
}

/** What was resolved is built or fetched, before or after there is a generation of it. */
export function prepareArtifact(services: Asking, runtime: RuntimeAccess, spec: WorkerSpec, artifact: Artifact, signal: AbortSignal): Promise<void> {
  const limits = { ...callOf(services, runtime, 'preparation', spec.name, null, false, signal), idleMs: deadlines.prepareIdle };
  const what = { spec, artifact, secrets: noSecrets };
  return callWithDeadline(
    limits,
    inside(services, runtime, (call) => runtime.driver.prepare(what, call)),
  );
}

export function resolve(services: Services, runtime: RuntimeAccess, { spec }: Normal, signal: AbortSignal): Promise<Artifact> {
  return callWithDeadline(
    callOf(services, runtime, 'resolving', spec.name, deadlines.resolve, false, signal),
    inside(services, runtime, (call) => runtime.driver.resolve(spec, call)),
  );
}

export function start(
  services: Services,
  runtime: RuntimeAccess,
  ref: InstanceRef,
  generation: GenerationRecord,
  normal: Normal,
  { secrets, shares }: { readonly secrets: Secrets; readonly shares: Target | null },
): Promise<Observed> {
  const { spec, rules } = normal;
  const env = environmentOf(ref, spec, rules, { name: services.hostName, addressOf: services.addressOf });
  const run = { spec, artifact: generation.artifact, secrets, env, shares, gpus: [], traffic: 'live' } as const;
  return callWithDeadline(
    callOf(services, runtime, 'start', ref.worker, deadlines.start, true),
    inside(services, runtime, (call) => runtime.driver.start(ref, run, call)),
  );
}

export function inspect(services: Services, runtime: RuntimeAccess, target: Target, signal?: AbortSignal): Promise<Found> {
  return callWithDeadline(
    callOf(services, runtime, 'inspection', target.ref.worker, deadlines.inspect, false, signal),
    inside(services, runtime, (call) => runtime.driver.inspect(target, call)),
  );
}

export function stop(services: Services, runtime: RuntimeAccess, target: Target, how: StopRule): Promise<Found> {
  return callWithDeadline(
    callOf(services, runtime, 'stop', target.ref.worker, how.graceMs + deadlines.stopBeyondGrace, true),
    inside(services, runtime, (call) => runtime.driver.stop(target, how, call)),
  );
}

export function remove(services: Services, runtime: RuntimeAccess, target: Target): Promise<void> {
  return callWithDeadline(
    callOf(services, runtime, 'removal', target.ref.worker, deadlines.remove, true),
    inside(services, runtime, (call) => runtime.driver.remove(target, call)),
  );
}

/** Resolves when nothing is left running of ended instances of these workers, or that has taken too long; who cannot be asked has told of none. */
export async function cleared(services: Services, runtime: RuntimeAccess, workers: readonly string[]): Promise<void> {
  const { driver } = runtime;
  if (driver.cleared === undefined || !runtime.isUp()) return;
  const limits = { ...callOf(services, runtime, 'end of what is left', workers.join(', '), deadlines.cleared, false) };
  await callWithDeadline(
    limits,
    inside(services, runtime, async (call) => driver.cleared?.(services.agentId, workers, call)),
  ).catch((error: unknown) => services.log.warn({ error: String(error) }, 'something is left running of workers that are stopped'));
}

export async function signal(services: Services, runtime: RuntimeAccess, target: Target, name: string): Promise<void> {
  await callWithDeadline(
    callOf(services, runtime, `signal ${name}`, target.ref.worker, deadlines.signal, true),
    inside(services, runtime, async (call) => runtime.driver.signal?.(target, name, call)),
  );
}

/** The last lines an instance printed, masked; empty when they cannot be had at once. */
export async function lastLines(services: Services, runtime: RuntimeAccess, target: Target, mask: (text: string) => string): Promise<readonly string[]> {
  try {
    return await callWithDeadline(callOf(services, runtime, 'last lines', target.ref.worker, deadlines.lastLines, false), async (call) => {
      const chunks: Uint8Array[] = [];
      for await (const record of runtime.driver.logs(target, { tailLines: 5 }, false, call)) if ('bytes' in record) chunks.push(record.bytes);
      const lines = mask(Buffer.concat(chunks).toString('utf8'))
        .split('\n')
        .filter((line) => line.trim() !== '');
      return lines.slice(-5).map((line) => (line.length > 300 ? `${line.slice(0, 299)}…` : line).replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f]/g, '\uFFFD'));
    });
  } catch {
    return [];
  }
}

/** Whatever was thrown, as the one failure that supervision knows. What is no RuntimeFailure is a driver's bug: it may have acted. */
export function asFailure(error: unknown, isMutating: boolean): RuntimeFailure {
  if (isRuntimeFailure(error)) return { code: error.code, outcome: error.outcome, retryable: error.retryable, message: error.message, cause: error.cause };
  const message = error instanceof Error ? error.message : String(error);
  if (isProblem(error)) return { code: 'invalid', outcome: 'no', retryable: true, message };
  return { code: 'internal', outcome: isMutating ? 'unknown' : 'no', retryable: true, message };
}
