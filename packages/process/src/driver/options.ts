import type { Call, Finding, Folders, Logger, WorkerSpec } from '@ostler/sdk';
import type { Holder } from '../holder/holder.ts';

/** A spec whose `command` is an argv or left out, so that `({ command = [] }) => …` reads well. */
export type CommandSpec<Options> = Omit<WorkerSpec<Options>, 'command'> & { readonly command?: readonly string[] };

/** What the runtime's own program says of itself. */
export interface ProgramFacts {
  readonly version?: string;
  readonly notes?: readonly string[];
}

export interface ProcessDriverOptions<Options> {
  /** As in the host file: `wasmtime`. */
  readonly name: string;
  readonly log: Logger;
  readonly folders: Folders;
  /** The argv that runs this worker. Pure. */
  command(spec: CommandSpec<Options>): readonly string[];
  /** Files whose content makes the worker: a changed one is a new artifact. Relative paths stand against the host file's folder. */
  inputs?(spec: CommandSpec<Options>): readonly string[];
  /** Environment that the runtime adds; the worker's own `env` wins. */
  env?(spec: CommandSpec<Options>): Readonly<Record<string, string>>;
  /** Throws a RuntimeFailure (`engine-down`) when the program is not there. */
  facts?(call: Call): Promise<ProgramFacts>;
  /** Findings beyond those that every process runtime has. */
  check?(spec: WorkerSpec<Options>): readonly Finding[];
  /** Fields of `spec.more` that `command` or `check` take care of. */
  readonly honours?: readonly string[];
  /** Default: the compiled holder where it can be run, else the POSIX sh holder. */
  readonly holder?: Holder;
}

export function commandSpec<Options>(spec: WorkerSpec<Options>): CommandSpec<Options> {
  const { command, ...rest } = spec;
  return command === null ? rest : { ...rest, command };
}
