import type { Verb, VerbOption, VerbTable } from '../verb.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** What a completion script says of one option. */
export interface OfferedOption {
  readonly short: string | null;
  readonly long: string;
  readonly takesValue: boolean;
  readonly description: string;
  readonly completes: VerbOption['completes'];
}

export interface OfferedVerb {
  readonly name: string;
  readonly summary: string;
  readonly completes: Verb['completes'];
  /** For the first argument. */
  readonly words: readonly string[];
  readonly options: readonly OfferedOption[];
}

/** The verb table as the scripts need it: hidden verbs left out, the options of all verbs with each. */
export function offered({ verbs, commonOptions }: VerbTable): readonly OfferedVerb[] {
  const usual = [...commonOptions, { flags: '-h, --help', description: 'print the help' }, { flags: '-V, --version', description: 'print the version' }];
  return verbs
    .filter(({ isHidden }) => !isHidden)
    .map(({ name, summary, completes, words, options }) => ({
      name,
      summary,
      completes,
      words: words ?? [],
      options: [...options, ...usual].map(offeredOption),
    }));
}

function offeredOption({ flags, description, completes }: VerbOption): OfferedOption {
  const long = /--[a-z-]+/.exec(flags)![0];
  const short = /^-[A-Za-z]\b/.exec(flags)?.[0] ?? null;
  return { short, long, takesValue: flags.includes('<'), description, completes };
}

/** The text in single quotes, for a POSIX shell and for zsh. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
