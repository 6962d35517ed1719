import { type Artifact, type Finding, isRuntimeFailure, isSecretFailure } from '@ostler/sdk';
import { callWithDeadline } from '../base/call.ts';
import { isProblem } from '../base/problem.ts';
import type { HostConfig } from '../config/index.ts';
import type { Desired, Present } from '../plan/index.ts';
import {
  betweenFindings,
  chooseRuntime,
  type Neighbour,
  type Neighbours,
  type Normal,
  normalise,
  preferenceOf,
  type Registry,
  unable,
  unresolved,
} from '../spec/index.ts';
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
  /** What the policy of this host does not let a worker have. Absent: it may have all. */
  forbidden?(neighbour: Neighbour): readonly Finding[];
}

/** A worker of the host file on the runtime that it would have. */
interface Chosen {
  readonly worker: string;
  readonly runtime: string | null;
  readonly written: HostConfig['workers'][string]['written'];
  readonly baseDir: string;
  readonly normal: Normal | null;
}

/** Every worker of a host file on the runtime that it would have. What cannot be found out for one worker is that one's problem. */
export async function desire(config: HostConfig, present: readonly Present[], by: Desiring, signal: AbortSignal): Promise<readonly Desired[]> {
  const now = new Map(present.map((one) => [one.worker, one]));
  const { baseDir } = config;
  const chosen = Object.entries(config.workers).map(([worker, { written }]): Chosen => {
    const runtime = runtimeOf(preferenceOf(written, by.registry), now.get(worker)?.generation?.runtime ?? null, by);
    const normal = runtime === null ? null : normalise(written, { name: worker, runtime, baseDir, registry: by.registry });
    return { worker, runtime, written, baseDir, normal };
  });
  const all = new Map(chosen.flatMap((one) => neighbourOf(one, by) ?? []).map((one) => [one.spec.name, one]));
  return Promise.all(chosen.map((one) => desireOne(one, (worker) => all.get(worker), by, signal)));
}

async function desireOne(chosen: Chosen, neighbours: Neighbours, by: Desiring, signal: AbortSignal): Promise<Desired> {
  const { worker, runtime, written, baseDir, normal } = chosen;
  const base = { worker, runtime, written, baseDir };
  const access = runtime === null ? null : by.services.runtime(runtime);
  if (normal === null) {
    const problem = `none of its runtimes is on this host: ${preferenceOf(written, by.registry).join(', ')}`;
    return { ...base, artifact: null, secrets: null, findings: [], forbidden: [], problem };
  }
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
  const own = neighbourOf(chosen, by);
  return {
    ...base,
    artifact,
    secrets,
    findings: [
      ...(own === null ? [] : betweenFindings(own, normal.rules, neighbours)),
      ...(access === null ? [] : [...unable(normal, access, runtimesOf(by)), ...findingsOf(access, normal, by)]),
    ],
    forbidden: own === null ? [] : (by.forbidden?.(own) ?? []),
    problem: problems.length > 0 ? problems.join('; ') : null,
  };
}

function neighbourOf({ runtime, normal }: Chosen, { registry, services }: Desiring): Neighbour | null {
  const runtimeClass = runtime === null ? undefined : registry.runtimes.get(runtime)?.class;
  return runtime === null || normal === null || runtimeClass === undefined
    ? null
    : { runtime, class: runtimeClass, spec: normal.spec, hostName: services.runtime(runtime)?.facts()?.hostName };
}

/**
 * The first that this host has, be its engine late or down for the moment. Where it has none, one that is set up is better than nothing, be it that its
 * plugin failed: the worker waits for it, and says so.
 */
function runtimeOf(preference: readonly string[], current: string | null, { runtimes, services, registry }: Desiring): string | null {
  const here = runtimes.filter((name) => name === current || services.runtime(name)?.isMissing?.() !== true);
  return (
    chooseRuntime(preference, here, current) ?? chooseRuntime(preference, runtimes, null) ?? preference.find((name) => registry.runtimes.has(name)) ?? null
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
