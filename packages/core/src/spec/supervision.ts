import type { StopRule, WorkerKind } from '@ostler/sdk';
import { imageHealthOf, probesOf } from './image-health.ts';
import { ownerIn } from './network.ts';
import { absolute } from './path.ts';
import type { Registry, RuntimeClass } from './registry.ts';
import type { Dependency, HealthRule, ProbeRule, RestartRule, WorkerRules } from './rules.ts';
import type { Flat } from './worker.ts';

/** Core's half of a worker's normal form, defaults filled in. */
export function rulesOf(flat: Flat, kind: WorkerKind, runtimeClass: RuntimeClass, registry: Registry, baseDir: string): WorkerRules {
  return {
    kind,
    restart: restartOf(flat, kind),
    stop: stopOf(flat, runtimeClass),
    health: healthOf(flat, kind, runtimeClass, registry, baseDir),
    dependsOn: dependenciesOf(flat),
    schedule: flat.schedule
      ? {
          ...{ timezone: null, overlap: 'skip', missed: 'skip' },
          ...defined(without(flat.schedule, 'timeout')),
          timeoutMs: ('timeout' in flat.schedule ? flat.schedule.timeout : null) ?? null,
        }
      : null,
    secrets: {
      files: Object.entries(flat.secrets?.files ?? {}).map(([name, file]) => ({
        name,
        ref: file.ref,
        mode: Number.parseInt(('mode' in file ? file.mode : undefined) ?? '0400', 8),
        uid: ('uid' in file ? file.uid : undefined) ?? null,
      })),
      env: flat.secrets?.env ?? {},
      visibleInInspect: flat.secrets?.visibleInInspect ?? false,
    },
    priority: flat.priority ?? 500,
    onSecretChange: flat.onSecretChange ?? 'restart',
    update: {
      strategy: flat.update?.strategy ?? 'recreate',
      healthyWithinMs: flat.update?.healthyWithin ?? 60_000,
      stableForMs: flat.update?.stableFor ?? 10_000,
      onFailure: flat.update?.onFailure ?? 'rollback',
    },
  } as WorkerRules;
}

/** Only of what has an image is there somebody else to ask for the signal. */
export const stopOf = ({ stop }: Flat, runtimeClass: RuntimeClass): StopRule => ({
  signal: stop?.signal ?? (runtimeClass === 'process' ? 'SIGTERM' : null),
  graceMs: stop?.grace ?? 10_000,
});

interface WrittenRestart {
  readonly policy?: RestartRule['policy'];
  readonly backoff?: { readonly first?: number; readonly min?: number; readonly max?: number; readonly factor?: number; readonly jitter?: number };
  readonly resetAfter?: number;
  readonly giveUp?: false | number;
  readonly successCodes?: readonly number[];
  readonly memoryAbove?: number;
  readonly maxAge?: number;
  readonly at?: string;
}

function restartOf(flat: Flat, kind: WorkerKind): RestartRule {
  const rule = (flat.restart ?? {}) as WrittenRestart;
  const backoff = rule.backoff ?? {};
  const minMs = backoff.min ?? Math.min(1000, backoff.max ?? 1000);
  return {
    policy: rule.policy ?? (kind === 'service' ? 'always' : 'on-failure'),
    backoff: { firstMs: backoff.first ?? 0, minMs, maxMs: backoff.max ?? Math.max(60_000, minMs), factor: backoff.factor ?? 2, jitter: backoff.jitter ?? 0.2 },
    resetAfterMs: rule.resetAfter ?? (kind === 'service' ? 600_000 : null),
    giveUp: rule.giveUp === undefined ? (kind === 'service' ? null : 3) : rule.giveUp === false ? null : rule.giveUp,
    successCodes: rule.successCodes ?? [0],
    memoryAboveBytes: rule.memoryAbove ?? null,
    maxAgeMs: rule.maxAge ?? null,
    at: rule.at === undefined ? null : { cron: rule.at, timezone: null },
  };
}

const withPort = new Set(['http', 'tcp', 'grpc', 'mcp', 'generate']);

function healthOf(flat: Flat, kind: WorkerKind, runtimeClass: RuntimeClass, registry: Registry, baseDir: string): HealthRule {
  const written = (flat.health ?? {}) as Readonly<Record<string, unknown>> & {
    readonly [K in 'interval' | 'timeout' | 'startPeriod' | 'startInterval' | 'retries' | 'successes' | 'minUp']?: number;
  };
  const firstPort = flat.ports?.[0]?.port;
  const probes = probesOf(written).map(([kind, options]): ProbeRule => {
    const own = typeof options === 'object' && options !== null ? (options as Readonly<Record<string, unknown>>) : {};
    if (registry.probes?.has(kind)) return { kind, options };
    const port = withPort.has(kind) ? { port: own['port'] ?? firstPort } : {};
    if (kind === 'http') return { kind, options: { path: '/', scheme: 'http', status: [[200, 399]], headers: {}, ...defined(own), ...port } };
    if (kind === 'file') return { kind, options: { ...defined(own), path: absolute(baseDir, String(own['path'])) } };
    return { kind, options: { ...defined(own), ...port } };
  });
  const intervalMs = written.interval ?? 10_000;
  // What a worker said of itself is there already: to ask for it costs the worker nothing.
  const isCheap = probes.length > 0 && probes.every(({ kind }) => kind === 'notify');
  return {
    probes,
    image: imageHealthOf(flat, kind, runtimeClass) !== null,
    intervalMs,
    timeoutMs: written.timeout ?? Math.min(5000, intervalMs),
    startPeriodMs: written.startPeriod ?? 0,
    startIntervalMs: written.startInterval ?? Math.min(isCheap ? 100 : 1000, intervalMs),
    retries: written.retries ?? 3,
    successes: written.successes ?? 1,
    onUnhealthy: (written['onUnhealthy'] as HealthRule['onUnhealthy'] | undefined) ?? 'restart',
    minUpMs: written.minUp ?? 10_000,
  };
}

const defined = <T extends object>(value: T): T => Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as T;
const without = <T extends object>(value: T, key: string): T => Object.fromEntries(Object.entries(value).filter(([name]) => name !== key)) as T;

/** Those of the file, and the worker whose network it shares: without that one it has none, and of another instance it has the network no more. */
function dependenciesOf(flat: Flat): readonly Dependency[] {
  const owner = ownerIn(flat.networkMode);
  const written = Object.entries(flat.dependsOn ?? {}).map(([worker, rule]) => ({
    worker,
    optional: false,
    restartWithIt: false,
    stopWithIt: false,
    ...defined(rule),
  })) as readonly Dependency[];
  if (owner === null) return written;
  const shared: Dependency = {
    worker: owner,
    is: 'started',
    ...written.find(({ worker }) => worker === owner),
    optional: false,
    restartWithIt: true,
    stopWithIt: true,
  };
  return [...written.filter(({ worker }) => worker !== owner), shared];
}
