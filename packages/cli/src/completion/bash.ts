import { type OfferedOption, type OfferedVerb, quoted, shells } from './offer.ts';

/** For `source <(ostler completion bash)`. Needs nothing but bash 3.2. */
export function bashScript(verbs: readonly OfferedVerb[]): string {
  const verbCases = verbs.map(({ name, options, completes, words }) => {
    const flags = options.flatMap(({ short, long }) => (short === null ? [long] : [short, long])).join(' ');
    const first = words.length === 0 ? '' : `; first=${quoted(words.join(' '))}`;
    return `    ${name}) flags=${quoted(flags)}; offer=${completes ?? 'none'}${first} ;;`;
  });
  const valued = new Map<string, OfferedOption>();
  for (const { name, options } of verbs)
    for (const option of options)
      if (option.takesValue) for (const flag of [option.short, option.long]) if (flag !== null) valued.set(`${name}:${flag}`, option);
  const valueCases = [...valued].map(([key, { completes }]) => `    ${quoted(key)}) offer=${completes ?? 'none'}; flags= ;;`);
  return `# ostler completion for bash: source <(ostler completion bash)
_ostler() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} verb= flags= offer=none first= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
    --config|--data-dir|--socket) ((i++)) ;;
    -*) ;;
    *) verb=\${COMP_WORDS[i]}; break ;;
    esac
  done
  if [[ -z $verb ]]; then
    case $before in
    --config|--data-dir|--socket) compopt -o default 2>/dev/null; return ;;
    esac
    COMPREPLY=($(compgen -W ${quoted(`${verbs.map(({ name }) => name).join(' ')} help --config --data-dir --socket --json --quiet --help --version`)} -- "$word"))
    return
  fi
  case $verb in
${verbCases.join('\n')}
  esac
  case $verb:$before in
${valueCases.join('\n')}
  esac
  if [[ $word == -* && -n $flags ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$word"))
    return
  fi
  if [[ -n $first && $before == "$verb" ]]; then
    COMPREPLY=($(compgen -W "$first" -- "$word"))
    return
  fi
  case $offer in
  workers) COMPREPLY=($(compgen -W "$("\${COMP_WORDS[0]}" __complete workers 2>/dev/null)" -- "$word")) ;;
  shells) COMPREPLY=($(compgen -W ${quoted(shells.join(' '))} -- "$word")) ;;
  files) COMPREPLY=($(compgen -f -- "$word")); compopt -o filenames 2>/dev/null ;;
  esac
}
complete -F _ostler ostler
`;
}
