import type { Call, WorkerSpec } from '@ostler/sdk';
import type { InstanceSpec } from '../instance/directory.ts';
import type { Account } from '../launch/account.ts';

/** What a holder is told of one start. The environment goes over a pipe, never into argv or a file. */
export interface HolderStart {
  /** The instance directory. `spec` is what its `spec.json` says, or will say. */
  readonly dir: string;
  readonly spec: InstanceSpec;
  readonly exists: boolean;
  /** True: a worker that cannot enter its cgroups is not run, since they hold its limits. */
  readonly needsCgroups: boolean;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The worker's user; `null` = the agent's own. */
  readonly account: Account | null;
  readonly noNewPrivileges: boolean;
  readonly ulimits: WorkerSpec['ulimits'];
  /** Socket on which it is listened to by sd_notify(3); `null` = it is not. */
  readonly notifySocket: string | null;
}

/** A worker that was seen to run. `startTime`: as in an identity. */
export interface Begun {
  readonly pid: number;
  readonly startTime: string;
}

/** Carries on with the output of a worker whose holder was killed. */
export interface Takeover {
  readonly dir: string;
  readonly spec: InstanceSpec;
}

/**
 * What holds a worker: a process of its own session that runs it, keeps its output in segments and its end in a record, all inside the instance
 * directory. Each keeps the same directory and says here which forms it writes.
 */
export interface Holder {
  readonly name: 'sh' | 'compiled';
  readonly segments: 'raw' | 'framed';
  readonly exit: 'text' | 'fixed';
  /**
   * Makes the directory, unless it exists, and runs the worker. `null` = whether it runs is to be read from the directory. Throws a RuntimeFailure,
   * with outcome `no` only if it certainly does not run.
   */
  start(start: HolderStart, call: Call): Promise<Begun | null>;
  /** Resolves when the output has a reader again. Without it the output of a worker stalls when what reads it was killed. */
  takeOver?(what: Takeover): Promise<void>;
}
