import type { WorkerRules } from '../spec/index.ts';

/** Of a worker whose generation is not known: it is left as it is. */
export const fallbackRules: WorkerRules = {
  kind: 'service',
  restart: {
    policy: 'never',
    backoff: { firstMs: 0, minMs: 1000, maxMs: 60_000, factor: 2, jitter: 0 },
    resetAfterMs: 600_000,
    giveUp: null,
    successCodes: [0],
    ...{ memoryAboveBytes: null, maxAgeMs: null, at: null },
  },
  stop: { signal: null, graceMs: 10_000 },
  health: {
    ...{ probes: [], image: false, intervalMs: 10_000, timeoutMs: 5000, startPeriodMs: 0, startIntervalMs: 1000, retries: 3, successes: 1, minUpMs: 10_000 },
    onUnhealthy: 'report',
  },
  dependsOn: [],
  schedule: null,
  secrets: { files: [], env: {}, visibleInInspect: false },
  priority: 500,
  onSecretChange: 'nothing',
  update: { strategy: 'recreate', healthyWithinMs: 60_000, stableForMs: 10_000, onFailure: 'rollback' },
};
