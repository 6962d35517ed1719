/** What every verb is given. Paths are as they were typed. */
export interface CommonOptions {
  readonly config?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly socket?: string | undefined;
  /** One document on stdout; NDJSON with `type` and `cursor` for streams. */
  readonly json?: boolean | undefined;
  /** No notes and no progress on stderr; errors are still said. */
  readonly quiet?: boolean | undefined;
}

export interface VerbOption {
  /** As commander reads them: `-f, --follow`, `--tail <lines>`. */
  readonly flags: string;
  readonly description: string;
  /** Duration: the verb gets milliseconds. Count: a whole number from 0. Many: may be given again and again, and the verb gets a list. */
  readonly as?: 'duration' | 'count' | 'many' | undefined;
  /** The name that the verb knows it by, where it is not the long flag's. */
  readonly into?: string | undefined;
  /** What completion offers for its value. */
  readonly completes?: 'workers' | 'files' | undefined;
}

export interface Verb {
  readonly name: string;
  readonly summary: string;
  /** `[worker...]`, as commander reads them. */
  readonly args?: string | undefined;
  /** What its first argument can be. */
  readonly words?: readonly string[] | undefined;
  readonly options: readonly VerbOption[];
  /** `agent`: a client of the control socket that never loads core. `core`: loads it when it runs. */
  readonly needs: 'agent' | 'core' | 'nothing';
  /** What completion offers for its arguments. */
  readonly completes?: 'workers' | 'files' | 'shells' | undefined;
  /** What follows the first argument belongs to somebody else's command. */
  readonly passesOn?: boolean | undefined;
  readonly isHidden?: boolean | undefined;
  /** With `--json` it prints a line for each record, not one document; `followed`: with `--follow`. */
  readonly streams?: 'always' | 'followed' | undefined;
  readonly load: () => Promise<VerbModule>;
}

export interface VerbModule {
  /** Gets the common options and its own, its arguments, and what there is to type; answers the exit code. */
  readonly run: (options: never, args: string[], table: VerbTable) => Promise<number>;
}

export interface VerbTable {
  readonly verbs: readonly Verb[];
  /** What every verb takes. */
  readonly commonOptions: readonly VerbOption[];
}
