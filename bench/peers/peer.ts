import type { Process } from '../processes.ts';
import type { Site } from '../site.ts';

export type RowName = 'start' | 'crash' | 'at-once' | 'memory' | 'idle' | 'log' | 'recovery' | 'apply' | 'ps' | 'probes' | 'load';

/** One that is given the work: a supervisor, or a floor. */
export interface Peer {
  readonly name: string;
  /** What it takes part in. */
  readonly rows: readonly RowName[];
  /** Said beside its figures. */
  readonly note?: string;
  /** One line: what is not there and how to get it; `null` = it can run. */
  missing(): string | null;
  version(): string;
  /** Writes its files into the site; not timed. */
  lay(site: Site): void;
  /** Brings up what is there before it on a real host; not timed. */
  boot?(site: Site): Promise<void>;
  /** What starts it with all its workers, as a service does. */
  command(site: Site): readonly string[];
  /** What a person starts it with, where that is another one: the row `start` counts it. */
  foreground?(site: Site): readonly string[];
  environment?(site: Site): Readonly<Record<string, string>>;
  /** Of a process of the run that is no worker: whether it is the supervisor itself, holds a worker or its log, or is neither. `run`: all of the run. */
  role(process: Process, run: readonly Process[]): 'supervisor' | 'holder' | null;
  /** Lines of the flood that stand in the log of worker 0. */
  loggedLines?(site: Site): Promise<number>;
  /** Ends it in its own way. */
  end?(site: Site): Promise<void>;
  /** Takes away what no kill does. */
  sweep?(site: Site): void;
}

export const ofSupervisors: readonly RowName[] = ['start', 'crash', 'at-once', 'memory', 'idle', 'log', 'recovery'];
