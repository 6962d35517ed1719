import { type OfferedOption, type OfferedVerb, quoted, shells } from './offer.ts';

/** For `source <(ostler completion zsh)`, or as a file `_ostler` in `$fpath`. */
export function zshScript(verbs: readonly OfferedVerb[]): string {
  const described = verbs.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = verbs.map(({ name, options, completes, words }) => {
    const specs = [...options.flatMap(optionSpecs), ...argumentSpecs(completes, words)];
    return `    ${name})\n      _arguments -s \\\n${specs.map((spec) => `        ${spec}`).join(' \\\n')}\n      ;;`;
  });
  return `#compdef ostler
# ostler completion for zsh: source <(ostler completion zsh)
_ostler_workers() {
  local -a names
  names=(\${(f)"$(ostler __complete workers 2>/dev/null)"})
  compadd -a names
}
_ostler() {
  local -a verbs
  verbs=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe 'verb' verbs
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _ostler ]]; then
  _ostler "$@"
else
  compdef _ostler ostler
fi
`;
}

function optionSpecs({ short, long, takesValue, description, completes }: OfferedOption): string[] {
  const text = `[${description.replace(/[[\]:\\]/g, '\\$&')}]`;
  const value = takesValue ? `:value:${action(completes)}` : '';
  return [short, long].flatMap((flag) => (flag === null ? [] : [quoted(`*${flag}${text}${value}`)]));
}

function argumentSpecs(completes: OfferedVerb['completes'], words: readonly string[]): string[] {
  if (words.length > 0) return [quoted(`1:form:(${words.join(' ')})`), quoted(`*:${completes ?? 'value'}:${action(completes)}`)];
  if (completes === 'shells') return [quoted(`1:shell:(${shells.join(' ')})`)];
  return completes === undefined ? [] : [quoted(`*:${completes}:${action(completes)}`)];
}

const action = (completes: OfferedVerb['completes']): string => (completes === 'workers' ? '_ostler_workers' : completes === 'files' ? '_files' : ' ');
