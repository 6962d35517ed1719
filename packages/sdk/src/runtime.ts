import type { Json } from './json.ts';
import type { Notified } from './notified.ts';
import type { Artifact, ExecSession, Finding, StopRule, Usage, WorkerSpec } from './spec.ts';

/**
 * Core's name for one start; persisted BEFORE `start()`. The driver stamps all four on the instance (labels, instance directory,
 * object annotations), so that `list()` works with an empty store. `agent` is the UUID of the data dir, never a host name.
 */
export interface InstanceRef {
  readonly agent: string;
  readonly worker: string;
  /** `<counter>-<keyed digest of the normal form>`: opaque to a driver; letters, digits and `-`. */
  readonly generation: string;
  /** Lower-case letters and digits; unique within the worker for ever. */
  readonly instance: string;
}

/**
 * The driver's pointer (container id | boot id + pid + start time | service id): JSON of at most 4 KiB, no secrets, versioned by the
 * driver. ref = who, handle = where. Only a cache: every call works with `null` and finds the instance by its ref.
 */
export interface Handle {
  readonly version: number;
  readonly data: Json;
}

export interface Target {
  readonly ref: InstanceRef;
  readonly handle: Handle | null;
}

/** Kept by the engine or holder until `remove()`, so it can be asked for at any time after; never carried by an event alone. */
export interface Exit {
  readonly code: number | null;
  /** `SIGKILL`, …: full names. */
  readonly signal: string | null;
  /** RFC 3339, or `null` where nobody saw the moment. */
  readonly at: string | null;
  /** `main`: the worker itself was killed for memory; `inside`: one of its children was. */
  readonly oom: 'main' | 'inside' | 'no' | 'unknown';
  readonly evidence: 'engine' | 'holder' | 'inferred' | 'none';
}

/** What a list can say without touching an instance. Paused is running; dead and removing are exited. */
export interface Listed {
  readonly ref: InstanceRef;
  readonly handle: Handle;
  readonly is: 'created' | 'running' | 'exited';
  /** As in {@link Observed}, where a list tells it. */
  readonly health?: 'starting' | 'healthy' | 'unhealthy' | undefined;
}

export interface Replicas {
  readonly want: number;
  readonly ready: number;
  readonly restarts: number;
  readonly rollout: 'going' | 'done' | 'failed';
}

/**
 * What the engine says now. "Cannot tell" is no value but a thrown {@link RuntimeFailure}: it must never pass for `gone`.
 * `engine` names the engine's STORE (it changes when the data root is replaced or not mounted): `gone` from another store is no evidence.
 */
export type Observed = { readonly ref: InstanceRef; readonly handle: Handle; readonly engine: string } & (
  | { /** Exists, never ran: `start()` again or `remove()`. */ readonly is: 'created' }
  | {
      readonly is: 'running';
      /** RFC 3339. */
      readonly startedAt: string;
      /** The engine's own opinion, by the check that the image brings: input only. Absent: it runs none. Each turn of it is a hint of `watch()`. */
      readonly health?: 'starting' | 'healthy' | 'unhealthy' | undefined;
      /** What that check found last. `failures`: in a row; `code`: its exit code, `null` = it had none, as after its time is over; `output`: at most 4 KiB. */
      readonly lastCheck?: { readonly failures: number; readonly code: number | null; readonly output: string } | undefined;
      /** `port`: as the worker declares it. `address`: `host:port` at which THE AGENT reaches it (network namespace, VM, published port); IPv6 in brackets. */
      readonly endpoints: readonly { readonly port: number; readonly address: string }[];
      readonly replicas?: Replicas | undefined;
      /** Pid on this host where there is one: shown to people, never used as identity. */
      readonly pid?: number | undefined;
    }
  | {
      readonly is: 'exited';
      readonly exit: Exit;
      /** Processes of it that are still there, as `pid command`: `why` names them. The driver ends them, see {@link RuntimeDriver}. */
      readonly left?: readonly string[] | undefined;
      /** The signal, by its full name, that ends it where the host file names none; absent: SIGTERM. */
      readonly stopSignal?: string | undefined;
    }
);

export type Found = Observed | { readonly is: 'gone'; readonly engine: string };

export interface EngineFacts {
  /** Names the engine's store: see {@link Observed}. */
  readonly engine: string;
  readonly name: string;
  readonly version: string;
  readonly limits: Readonly<Record<'memory' | 'cpu' | 'pids' | 'gpuMemory', 'hard' | 'soft' | 'none'>>;
  readonly gpus: readonly {
    readonly id: string;
    readonly kind: string;
    readonly memoryBytes?: number | undefined;
    readonly usedBytes?: number | undefined;
  }[];
  readonly disk?: { readonly path: string; readonly freeBytes: number } | undefined;
  /** The name by which an instance that is not on the host's own network reaches this host; absent: `host.docker.internal`. */
  readonly hostName?: string | undefined;
  /** Paths of this host at which the engine is commanded: whoever has one has the host. */
  readonly sockets?: readonly string[] | undefined;
  /** What a worker survives. */
  readonly outlives: { readonly agent: boolean; readonly engine: boolean };
  /** Plain statements for `runtimes` and `doctor`: what this host cannot hold and why. */
  readonly notes: readonly string[];
}

/**
 * Every call gets one. Core aborts at the deadline, waits 2 s more, then lists the call as stuck (doctor names it) and goes on without it.
 * `output()` takes what a build or set-up prints; core keeps the end of it, bounded, for the error and for `why`.
 */
export interface Call {
  readonly signal: AbortSignal;
  /** Epoch ms at which `signal` fires. */
  readonly deadlineMs: number;
  progress(note: string, fraction?: number): void;
  output(bytes: Uint8Array): void;
}

/** Revealed values for one start: files to lay on tmpfs, environment for the process. Never logged, never put into a spec on disk. */
export interface Secrets {
  readonly files: readonly {
    /** Relative, without `..`. */
    readonly name: string;
    readonly bytes: Uint8Array;
    readonly mode: number;
    readonly uid?: number | undefined;
  }[];
  readonly env: Readonly<Record<string, string>>;
}

/** All that one start needs beyond the ref. */
export interface Run<Options = unknown> {
  readonly spec: WorkerSpec<Options>;
  readonly artifact: Artifact;
  readonly secrets: Secrets;
  /** What core adds: `OSTLER_*`, `PORT_*`, addresses of dependencies. */
  readonly env: Readonly<Record<string, string>>;
  /** The instance whose network it joins. */
  readonly shares: Target | null;
  /** Ids that admission chose. */
  readonly gpus: readonly string[];
  /** `trial`: it must not take over names or ports from the running generation until `promote()`. */
  readonly traffic: 'live' | 'trial';
}

/** Only says "look": core inspects. */
export type Hint = { readonly kind: 'changed'; readonly ref: InstanceRef } | { readonly kind: 'gap'; readonly why: string };

/**
 * `cursor`: opaque, at most 256 characters, compared for equality only, names the position AFTER its record; a record sent twice carries the
 * same cursor and core drops it. `at`: RFC 3339, `null` where what holds the worker keeps no time. `gap`: bytes lost or rotated away here
 * (`null` = how many is unknown).
 */
export type LogRecord = { readonly cursor: string; readonly at: string | null } & (
  | { readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  | { readonly gap: number | null }
);

export type LogFrom = { readonly after: string } | { readonly tailLines: number } | { readonly since: string } | 'start';

/**
 * All values are structured-cloneable: a driver may live in another process. All mutating calls are idempotent and serialised per worker
 * by core. A driver has no timers, no retries, no store, and never stops what it was not told to stop. An instance lasts as long as its first process: what
 * that leaves running is no instance any more, and ended by its engine, as a container's is by the kernel, or else by its driver.
 */
export interface RuntimeDriver<Options = unknown> {
  /**
   * Who starts it again. `agent`: one ref = one run. `engine` (swarm, kubernetes): `ref.instance` is the constant `live`, `start()` with
   * another generation rolls forward in place, core neither restarts nor kills on bad health, it reads `replicas` and rolls back by
   * `start(previous generation)`.
   */
  readonly restarts: 'agent' | 'engine';

  /** By engine/, every 5 s (2 s). Core judges slow | hung | down from the series. One outstanding. */
  ping(call: Call): Promise<void>;

  /**
   * By engine/, at start, every 30 s and on suspicion (10 s): the deep probe, and what this engine can hold. `unsupported`: this host has no such engine,
   * so that it is not late either; a worker that names another runtime beside this one gets that.
   */
  facts(call: Call): Promise<EngineFacts>;

  /** By check and plan. Pure, < 10 ms. `refused` stops the plan (a GPU that would be ignored); `unenforced` is shown wherever the worker is shown. */
  check(spec: WorkerSpec<Options>, facts: EngineFacts): readonly Finding[];

  /** By apply and image updates ONLY; 30 s. Tag -> digest, set-up inputs -> hash. Pinned in the store: neither agent restart nor reboot resolves again. */
  resolve(spec: WorkerSpec<Options>, call: Call): Promise<Artifact>;

  /**
   * By reconcile: pull | build | virtualenv; secrets hold registry credentials. Concurrent callers share one run. No total limit; 120 s
   * without `progress()` or `output()` = timeout.
   */
  prepare(what: { readonly spec: WorkerSpec<Options>; readonly artifact: Artifact; readonly secrets: Secrets }, call: Call): Promise<void>;

  /**
   * By supervise; 90 s. Same ref exists: return it (`created` is started, `exited` is NOT). Same instance, other generation: conflict
   * (`engine`: roll forward). What a failure leaves half-made is for `remove()`. Of instances of that worker that have ended nothing is left running then.
   */
  start(ref: InstanceRef, run: Run<Options>, call: Call): Promise<Observed>;

  /**
   * By boot (adoption), after any `unknown`, after a hint; 5 s. Verifies identity (never a pid alone; a zombie is not alive), re-attaches
   * what `watch()` needs.
   */
  inspect(target: Target, call: Call): Promise<Found>;

  /**
   * By boot, every 30 s, after `gap`; 5 s. ALL instances marked with this agent, in any state. Complete or throw; takes no per-instance lock
   * of the engine.
   */
  list(agent: string, call: Call): Promise<{ readonly engine: string; readonly instances: readonly Listed[] }>;

  /** One stream per driver for the agent's life. Hints only: core inspects. Emits `gap` first and after each reconnect; silence proves nothing. */
  watch(agent: string, signal: AbortSignal): AsyncIterable<Hint>;

  /**
   * By supervise, intent persisted; graceMs + 30 s. Signal, grace, then the WHOLE tree. Resolves when seen not running; already exited or
   * gone = success. Delivered secrets go as soon as the instance is seen not running, and again in `remove()`.
   */
  stop(target: Target, how: StopRule, call: Call): Promise<Found>;

  /**
   * By supervise, before these workers are called stopped, 60 s. Resolves when nothing is left running of instances of theirs that have ended, but for what no
   * signal ends. Absent: nothing ever is.
   */
  cleared?(agent: string, workers: readonly string[], call: Call): Promise<void>;

  /**
   * By retention (the last 3 ended instances stay, for logs and `why`) and sweep; 60 s. Running = conflict. Takes logs, cgroup, secrets
   * along; gone = success.
   */
  remove(target: Target, call: Call): Promise<void>;

  /** By api and log probes. Pulled (backpressure), at least once at the seam. The agent is never in the log path, so its death loses nothing. */
  logs(target: Target, from: LogFrom, follow: boolean, call: Call): AsyncIterable<LogRecord>;

  // Optional: that it is there IS the capability.

  /** By api and supervise; 5 s. While a stop of it is under way too. */
  signal?(target: Target, name: string, call: Call): Promise<void>;

  /** `exit` may be `unknown`; never retried. */
  exec?(target: Target, argv: readonly string[], io: { readonly tty: boolean; readonly user?: string | undefined }, call: Call): Promise<ExecSession>;

  /** Cumulative counters in the order of `targets`; core makes the rates. */
  stats?(targets: readonly Target[], call: Call): Promise<readonly (Usage | null)[]>;

  /**
   * By notify probes; 2 s. READY, STATUS and WATCHDOG of a worker are kept and told, also what it said while no agent lived; an instance that
   * said nothing answers with nulls. Throws not-found; an instance that nobody listens for answers null.
   */
  notified?(target: Target, call: Call): Promise<Notified | null>;

  /** Rotation into a running instance: replaced by rename in the same directory. */
  deliver?(target: Target, secrets: Secrets, call: Call): Promise<void>;

  /** A trial instance takes over names and traffic; without it start-first is refused by `check()`. */
  promote?(target: Target, call: Call): Promise<void>;

  /** For image updates by range. */
  tags?(image: string, call: Call): Promise<readonly string[]>;

  /** Our own images, set-ups, networks that no generation needs; never anybody else's. */
  collect?(keep: readonly Artifact[], call: Call): Promise<{ readonly freedBytes: number }>;

  /** On suspicion, whatever the policy: goroutine dump, process state, did its CPU move, unit, disk; into files under `dir`, at most `maxBytes`. */
  evidence?(into: { readonly dir: string; readonly maxBytes: number }, call: Call): Promise<void>;

  /** A rung of engine/'s ladder, within its budget and the host's policy. */
  repair?(how: 'start' | 'restart' | 'kill-and-start', call: Call): Promise<void>;

  /** 5 s; drops watchers; NEVER stops a worker. */
  close(): Promise<void>;
}
