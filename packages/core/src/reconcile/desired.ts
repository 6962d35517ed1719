import { type Artifact, type Finding, isRuntimeFailure, isSecretFailure } from '@ostler/sdk';
import { callWithDeadline } from '../base/call.ts';
import { isProblem } from '../base/problem.ts';
import type { HostConfig, WorkerConfig } from '../config/index.ts';
import type { Desired, Present } from '../plan/index.ts';
import { chooseRuntime, type Normal, normalise, preferenceOf, type Registry, unable, unresolved } from '../spec/index.ts';
import type { RuntimeAccess, Services } from '../supervise/index.ts';

const resolveMs = 30_000;

/** What the desired state is worked out with. */
export interface Desiring {
  readonly services: Pick<Services, 'clock' | 'stuck' | 'inPlugin' | 'runtime'>;
  readonly registry: Registry;
  /** Names of the runtimes that are set up here, be they down for the moment or not. */
  readonly runtimes: readonly string[];
  /** Keyed HMACs of the values of a worker's secrets, by reference. Rejects with a problem. */
  secretVersions(normal: Normal, baseDir: string, signal: AbortSignal): Promise<Readonly<Record<string, string>>>;
}

/** Every worker of a host file on the runtime that it would have. What cannot be found out for one worker is that one's problem. */
export function desire(config: HostConfig, present: readonly Present[], by: Desiring, signal: AbortSignal): Promise<readonly Desired[]> {
  const now = new Map(present.map((one) => [one.worker, one]));
  return Promise.all(Object.entries(config.workers).map(([worker, written]) => desireOne(worker, written, config.baseDir, now.get(worker), by, signal)));
}

async function desireOne(
  worker: string,
  { written }: WorkerConfig,
  baseDir: string,
  present: Present | undefined,
  by: Desiring,
  signal: AbortSignal,
): Promise<Desired> {
  const preference = preferenceOf(written, by.registry);
  const runtime = runtimeOf(preference, present?.generation?.runtime ?? null, by);
  const base = { worker, runtime, written, baseDir };
  const access = runtime === null ? null : by.services.runtime(runtime);
  if (runtime === null)
    return { ...base, artifact: null, secrets: null, findings: [], problem: `none of its runtimes is on this host: ${preference.join(', ')}` };
  const normal = normalise(written, { name: worker, runtime, baseDir, registry: by.registry });
  const problems: string[] = [];
  const told = <T>(what: string, work: Promise<T>): Promise<T | null> =>
    work.catch((error: unknown) => {
      if (!isRuntimeFailure(error) && !isProblem(error) && !isSecretFailure(error)) throw error;
      problems.push(`${what}: ${error.message}`);
      return null;
    });
  const [artifact, secrets] = await Promise.all([
    access === null ? unresolved : told('what it runs cannot be resolved', resolveArtifact(access, normal, by, signal)),
    told('a secret cannot be read', by.secretVersions(normal, baseDir, signal)),
  ]);
  return {
    ...base,
    artifact,
    secrets,
    findings: access === null ? [] : [...unable(normal, access, runtimesOf(by)), ...findingsOf(access, normal, by)],
    problem: problems.length > 0 ? problems.join('; ') : null,
  };
}

/**
 * An engine that has answered before is on this host; one that never did may be missing. Where there is none, one that is set up is better than
 * nothing, be it that its plugin failed: the worker waits for it, and says so.
 */
function runtimeOf(preference: readonly string[], current: string | null, { runtimes, services, registry }: Desiring): string | null {
  const seen = runtimes.filter((name) => name === current || (services.runtime(name)?.facts() ?? null) !== null);
  return (
    chooseRuntime(preference, seen, current) ?? chooseRuntime(preference, runtimes, null) ?? preference.find((name) => registry.runtimes.has(name)) ?? null
  );
}

const runtimesOf = ({ runtimes, services }: Desiring): readonly RuntimeAccess[] => runtimes.flatMap((name) => services.runtime(name) ?? []);

/** An engine that does not answer now is asked when the worker is prepared. */
async function resolveArtifact({ name, plugin, driver }: RuntimeAccess, { spec }: Normal, { services }: Desiring, signal: AbortSignal): Promise<Artifact> {
  const { clock, stuck, inPlugin } = services;
  const limits = { name: `resolving ${spec.name} on ${name}`, plugin, ms: resolveMs, clock, stuck, isMutating: false, signal };
  try {
    return await callWithDeadline(limits, (call) => inPlugin(plugin, () => driver.resolve(spec, call)));
  } catch (error) {
    if (isRuntimeFailure(error) && ['engine-down', 'engine-hung', 'timeout'].includes(error.code)) return unresolved;
    throw error;
  }
}

/** What its runtime says of it on this host; nothing while it has not said what the host offers. */
export function findingsOf(access: RuntimeAccess, { spec }: Normal, by: Pick<Desiring, 'services'>): readonly Finding[] {
  const facts = access.facts();
  return facts === null ? [] : by.services.inPlugin(access.plugin, () => access.driver.check(spec, facts));
}
