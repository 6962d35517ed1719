import type { Json } from './json.ts';

export type WorkerKind = 'service' | 'job' | 'cron';

export interface Port {
  /** `http` in `PORT_HTTP`; the port number as text when the file gives no name. */
  readonly name: string;
  /** Where the worker listens. */
  readonly port: number;
  /** Where the host publishes it: `null` = not published. */
  readonly publish: { readonly address: string; readonly port: number } | null;
  readonly protocol: 'tcp' | 'udp';
}

export interface Mount {
  /** A path of the host, a kept volume, or an anonymous tmpfs. */
  readonly from:
    | { readonly path: string }
    | { readonly volume: string /** What the host file says of it; absent: nothing. */; readonly definition?: VolumeDefinition | undefined }
    | { readonly tmpfsBytes: number | null };
  readonly to: string;
  readonly readOnly: boolean;
  /** `OSTLER_MOUNT_<NAME>` of a process. */
  readonly name: string | null;
}

/** `null` = not asked for. */
export interface Limits {
  readonly cpus: number | null;
  readonly memoryBytes: number | null;
  readonly memorySwapBytes: number | null;
  readonly pids: number | null;
}

export interface Gpu {
  readonly count: number | 'all' | null;
  readonly ids: readonly string[];
  readonly memoryBytes: number | null;
  readonly exclusive: boolean;
}

export interface StopRule {
  /** `SIGTERM`, …: full names. `null` = the host file names none: the one that the image names, else SIGTERM. Never null for a process. */
  readonly signal: string | null;
  readonly graceMs: number;
}

/** How an engine is to run the check that an image brings. Times and `retries`: `null` = what the image says. */
export interface ImageHealth {
  /** The host file asks for it. False: it counts where the image has one. */
  readonly isAsked: boolean;
  readonly intervalMs: number | null;
  readonly timeoutMs: number | null;
  readonly startPeriodMs: number | null;
  readonly startIntervalMs: number | null;
  readonly retries: number | null;
}

export interface LogCaps {
  /** Bytes kept in one segment. */
  readonly maxSizeBytes: number;
  /** Segments kept. */
  readonly maxFiles: number;
}

export interface ImageBuild {
  readonly context: string;
  readonly dockerfile: string | null;
  readonly target: string | null;
  readonly args: Readonly<Record<string, string>>;
  /** Name in `images:` that this one stands on. */
  readonly from: string | null;
}

/**
 * The normal form of a worker as one runtime sees it: defaults filled in, durations in ms, sizes in bytes, paths absolute,
 * the blocks of the runtime's class and of the runtime itself already laid over the worker's own fields.
 * Holds no secret: those come with {@link Secrets} at the start.
 */
export interface WorkerSpec<Options = unknown> {
  readonly name: string;
  readonly kind: WorkerKind;
  /** argv; `null` = what the image says. `shell: "…"` arrives as `['/bin/sh', '-c', …]`. */
  readonly command: readonly string[] | null;
  readonly entrypoint: readonly string[] | null;
  /** Absolute path; `null` = the folder of the host file (process), the image's own (container). */
  readonly workingDir: string | null;
  /** Name or number, with an optional `:group`; `null` = the agent's own user (process), the image's (container). */
  readonly user: string | null;
  readonly groups: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly Port[];
  readonly mounts: readonly Mount[];
  readonly limits: Limits;
  readonly gpu: Gpu | null;
  readonly stop: StopRule;
  readonly logs: LogCaps;
  /**
   * It tells of itself by sd_notify(3): its environment has `NOTIFY_SOCKET`, and `WATCHDOG_USEC` where there is a watchdog. `watchdogMs`: it says
   * `WATCHDOG=1` at least that often; `null` = no watchdog. `null` = it does not tell of itself.
   */
  readonly notify: { readonly watchdogMs: number | null } | null;
  /** The check that its image brings (HEALTHCHECK). `null` = it does not count, so that nobody need run it. What it finds is told as `health` of what runs. */
  readonly imageHealth: ImageHealth | null;
  readonly noNewPrivileges: boolean;
  readonly readOnly: boolean;
  readonly init: boolean;
  readonly tty: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** `ulimits` of the file: `nofile: 1024` is soft = hard. */
  readonly ulimits: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>;
  /** The chain of `images:` this worker stands on, base first; the last one is what runs. Empty = no image. */
  readonly images: readonly { readonly name: string; readonly reference: string | null; readonly build: ImageBuild | null }[];
  /**
   * Every other field of the worker that the file set, as written and validated (capabilities, devices …). `networks` is a map of {@link NetworkUse}.
   * `check()` of a driver must refuse those that it does not honour: {@link unhonoured} does it.
   */
  readonly more: Readonly<Record<string, Json>>;
  /** Folder of the host file: relative paths of `options` stand against it. */
  readonly baseDir: string;
  /** The runtime's own block, as parsed by the schema that the plugin declared. */
  readonly options: Options;
}

/** What `resolve` pinned. JSON; kept in the store and handed back to every start of the generation. */
export interface Artifact {
  /** `sha256:…` of what would run; equal digests mean that nothing changed. */
  readonly digest: string;
  /** What the digest was made of, to say what changed. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly data: Json;
}

/** `refused` stops the plan; `unenforced` is shown wherever the worker is shown. `field` is a path in the host file: `limits.memory`. */
export interface Finding {
  readonly level: 'refused' | 'unenforced';
  readonly field: string;
  readonly text: string;
}

/** Cumulative counters; core makes rates. `null` = this host does not tell. */
export interface Usage {
  readonly cpuNs: number | null;
  readonly memoryBytes: number | null;
  readonly ioBytes: number | null;
  readonly processes: number | null;
  readonly gpu: { readonly memoryBytes: number | null; readonly busyNs: number | null } | null;
}

/** A command run inside an instance. `exit` settles once; `'unknown'` = the engine was lost meanwhile. Closing `stdin` ends the input. */
export interface ExecSession {
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  /** Empty when `tty`. */
  readonly stderr: ReadableStream<Uint8Array>;
  resize(columns: number, rows: number): Promise<void>;
  readonly exit: Promise<number | 'unknown'>;
}

/** A kept volume of the host file. */
export interface VolumeDefinition {
  /** Somebody else's: used as it is, and never made. */
  readonly external: boolean;
  /** What the engine calls it; `null` = as the driver likes. */
  readonly name: string | null;
  readonly driver: string | null;
  readonly driverOpts: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** A network of the host file. */
export interface NetworkDefinition {
  /** Somebody else's: used as it is, and never made or removed. */
  readonly external: boolean;
  /** What the engine calls it; `null` = as the driver likes. */
  readonly name: string | null;
  readonly driver: string | null;
  readonly driverOpts: Readonly<Record<string, string>>;
  /** Without a way out. */
  readonly internal: boolean;
  readonly ipv6: boolean;
  /** At most one of IPv4 and one of IPv6, such as `10.9.0.0/24`; none = the engine chooses. */
  readonly subnets: readonly { readonly subnet: string; readonly gateway: string | null; readonly ipRange: string | null }[];
  readonly labels: Readonly<Record<string, string>>;
}

/** A network that a worker is on, by its name in the host file; `default` is the one that all workers share who say nothing else. */
export interface NetworkUse {
  /** Names by which others find it there, beside its own. */
  readonly aliases: readonly string[];
  /** Fixed; `null` = the engine gives one. */
  readonly address: string | null;
  /** `null`: of `default`, where the host file says nothing about it. */
  readonly definition: NetworkDefinition | null;
}
