import type { CgroupPaths } from '../cgroup/cgroup.ts';

/** What a holder is told. The environment goes over a pipe, never into argv or a file. */
export interface HolderStart {
  readonly dir: string;
  readonly segmentBytes: number;
  readonly cwd: string;
  readonly cgroups: CgroupPaths;
  /** True: a worker that cannot enter its cgroups is not run, since they hold its limits. */
  readonly needsCgroups: boolean;
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The user of holder and worker, where the worker's own cannot be set by argv. */
  readonly account: { readonly uid: number; readonly gid: number } | null;
}

/**
 * What holds a worker: a process of its own session that runs it, keeps its output in segments and its end in a record, all inside the instance
 * directory. Another holder (a compiled one) keeps the same directory and says here which forms it writes.
 */
export interface Holder {
  readonly name: string;
  readonly segments: 'raw' | 'framed';
  readonly exit: 'text' | 'fixed';
  /** Fills a fresh directory with what the holder expects there. */
  fill(dir: string, owner: { readonly uid: number; readonly gid: number } | null): Promise<void>;
  /** Resolves once the process exists and has all it needs. Throws only if it certainly does not exist. */
  launch(start: HolderStart): Promise<void>;
}
