import { type OfferedVerb, shells } from './offer.ts';

/** For `ostler completion fish | source`, or as `~/.config/fish/completions/ostler.fish`. */
export function fishScript(verbs: readonly OfferedVerb[]): string {
  const lines = verbs.flatMap(({ name, summary, completes, words, options }) => {
    const here = `complete -c ostler -n ${fishQuoted(`__fish_seen_subcommand_from ${name}`)}`;
    return [
      `complete -c ostler -n __fish_use_subcommand -a ${name} -d ${fishQuoted(summary)}`,
      ...options.map(({ short, long, takesValue, description, completes: value }) =>
        [
          here,
          ...(short === null ? [] : [`-s ${short.slice(1)}`]),
          `-l ${long.slice(2)}`,
          ...(takesValue ? ['-r'] : []),
          ...(value === undefined ? [] : [offers(value)]),
          `-d ${fishQuoted(description)}`,
        ].join(' '),
      ),
      ...(words.length === 0 ? [] : [`${here} -a ${fishQuoted(words.join(' '))}`]),
      ...(completes === undefined ? [] : [`${here} ${offers(completes)}`]),
    ];
  });
  return `# ostler completion for fish: ostler completion fish | source\ncomplete -c ostler -f\n${lines.join('\n')}\n`;
}

function offers(completes: 'workers' | 'files' | 'shells'): string {
  if (completes === 'files') return '-F';
  return completes === 'shells' ? `-a ${fishQuoted(shells.join(' '))}` : `-a ${fishQuoted('(ostler __complete workers 2>/dev/null)')}`;
}

const fishQuoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;
