import { commandNames, optionsOf, type HelpText } from './help-text.js';

/** What can follow the name of a command. */
export interface CommandHelp {
  readonly name: string;
  readonly help: HelpText;
}

/** For bash: commands first, then options and the words for them, and files. No node is started. */
export function bashCompletion(name: string, program: HelpText, commands: readonly CommandHelp[]) {
  const choices = commands
    .flatMap(({ name: command, help }) => optionsOf(help).map((option) => ({ ...option, command })))
    .filter((option) => option.choices.length > 0)
    .map(
      ({ command, name: option, choices: words }) =>
        `    "${command} ${option}") COMPREPLY=($(compgen -W "${words.join(' ')}" -- "$word")); return ;;`,
    );
  const options = commands.map(
    ({ name: command, help }) =>
      `    ${command}) COMPREPLY=($(compgen -W "${optionNames(help)}" -- "$word")) ;;`,
  );
  return `# bash completion for ${name}, made from its --help
${functionName(name)}() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commandNames(program).join(' ')} --help --version" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]} $before" in
${choices.join('\n')}
  esac
  case $word in
    -*) ;;
    *) return ;;
  esac
  case \${COMP_WORDS[1]} in
${options.join('\n')}
  esac
}
complete -o default -F ${functionName(name)} ${name}
`;
}

/** For zsh, the same. */
export function zshCompletion(name: string, program: HelpText, commands: readonly CommandHelp[]) {
  const cases = commands.map(({ name: command, help }) => {
    const specs = optionsOf(help).map(({ name: option, choices }) =>
      choices.length === 0 ? `'${option}'` : `'${option}:word:(${choices.join(' ')})'`,
    );
    return `    ${command}) _arguments ${specs.join(' ')} '*:file:_files' ;;`;
  });
  return `#compdef ${name}
# zsh completion for ${name}, made from its --help
if (( CURRENT == 2 )); then
  compadd -- ${commandNames(program).join(' ')} --help --version
else
  case $words[2] in
${cases.join('\n')}
  esac
fi
`;
}

function optionNames(help: HelpText): string {
  return optionsOf(help)
    .map(({ name }) => name)
    .join(' ');
}

function functionName(name: string): string {
  return `_${name.replaceAll('-', '_')}`;
}
