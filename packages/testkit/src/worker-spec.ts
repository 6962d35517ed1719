import { tmpdir } from 'node:os';
import type { WorkerSpec } from '@ostler/sdk';

/** A whole {@link WorkerSpec} from the fields that matter to a test; the rest is what a host file that says nothing would give. */
export function workerSpec<Options = unknown>(given: Partial<WorkerSpec<Options>> = {}): WorkerSpec<Options> {
  return {
    name: 'probe',
    kind: 'service',
    command: null,
    entrypoint: null,
    workingDir: null,
    user: null,
    groups: [],
    env: {},
    ports: [],
    mounts: [],
    limits: { cpus: null, memoryBytes: null, memorySwapBytes: null, pids: null },
    gpu: null,
    stop: { signal: 'SIGTERM', graceMs: 10_000 },
    logs: { maxSizeBytes: 10 * 1024 * 1024, maxFiles: 3 },
    notify: null,
    imageHealth: null,
    noNewPrivileges: false,
    readOnly: false,
    init: false,
    tty: false,
    labels: {},
    ulimits: {},
    images: [],
    more: {},
    baseDir: tmpdir(),
    options: {} as Options,
    ...given,
  };
}
