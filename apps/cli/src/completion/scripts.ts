import type { Words } from "./words.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

/** What a shell has to read to complete command lines of ours. */
export function completionScript(shell: Shell, commands: readonly Words[]): string {
  return { bash, zsh, fish }[shell](commands);
}

function bash(commands: readonly Words[]): string {
  const words = commands.map(({ name, options, choices }) => {
    return `    ${name}) words="${[...options.map(({ flag }) => flag), ...choices].join(" ")}" ;;`;
  });
  const values = withChoices(commands).map(
    ([command, flag, choices]) => `    ${command}:${flag}) words="${choices.join(" ")}" ;;`,
  );
  return `# fanfare completion bash >> ~/.bash_completion
_fanfare() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD - 1]}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")} --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${words.join("\n")}
  esac
  case "\${COMP_WORDS[1]}:$before" in
${values.join("\n")}
    *:--*) if [[ "$current" != -* ]] && [[ " \${words} " == *" $before "* ]] && _fanfare_takes_value "\${COMP_WORDS[1]}:$before"; then words=""; fi ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
_fanfare_takes_value() {
  case "$1" in
${commands.map(({ name, options }) => plainFlags(name, options)).join("")}    *) return 0 ;;
  esac
}
complete -o default -F _fanfare fanfare
`;
}

/** The flags behind which no value comes. */
function plainFlags(name: string, options: Words["options"]): string {
  const plain = options.filter(({ takesValue }) => !takesValue).map(({ flag }) => `${name}:${flag}`);
  return plain.length === 0 ? "" : `    ${plain.join("|")}) return 1 ;;\n`;
}

function zsh(commands: readonly Words[]): string {
  const cases = commands.map(({ name, options, choices }) => {
    const lines = options.map(({ flag, about, takesValue, choices: values, file }) => {
      const action = values.length > 0 ? `(${values.join(" ")})` : file ? "_files" : "";
      return quoted(`${flag}[${escaped(about)}]${takesValue ? `:value:${action}` : ""}`);
    });
    const argument = choices.length > 0 ? [quoted(`1:argument:(${choices.join(" ")})`)] : [];
    return `    ${name}) _arguments ${[...lines, ...argument].join(" \\\n      ")} ;;`;
  });
  const described = commands.map(({ name, about }) => `    ${quoted(`${name}:${about}`)}`);
  return `#compdef fanfare
# fanfare completion zsh > "\${fpath[1]}/_fanfare"
_fanfare() {
  local -a commands
  commands=(
${described.join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command="\${words[2]}"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join("\n")}
  esac
}
if [ "\${funcstack[1]}" = "_fanfare" ]; then _fanfare "$@"; else compdef _fanfare fanfare; fi
`;
}

function fish(commands: readonly Words[]): string {
  const lines = commands.flatMap(({ name, about, options, choices }) => {
    const here = `complete -c fanfare -n "__fish_seen_subcommand_from ${name}"`;
    return [
      `complete -c fanfare -n __fish_use_subcommand -f -a ${name} -d ${quoted(about)}`,
      ...(choices.length > 0 ? [`${here} -f -a ${quoted(choices.join(" "))}`] : []),
      ...options.map(({ flag, about: what, takesValue, choices: values, file }) => {
        const value = values.length > 0 ? ` -x -a ${quoted(values.join(" "))}` : takesValue ? (file ? " -r" : " -x") : "";
        return `${here} -l ${flag.replace(/^--/, "")}${value} -d ${quoted(what)}`;
      }),
    ];
  });
  return `# fanfare completion fish > ~/.config/fish/completions/fanfare.fish\n${lines.join("\n")}\n`;
}

function withChoices(commands: readonly Words[]): [command: string, flag: string, choices: readonly string[]][] {
  return commands.flatMap(({ name, options }) =>
    options
      .filter(({ choices }) => choices.length > 0)
      .map(({ flag, choices }): [string, string, readonly string[]] => [name, flag, choices]),
  );
}

/** In single quotes, which these shells take literally. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "’")}'`;
}

/** Brackets and colons mean something in a specification of zsh. */
function escaped(text: string): string {
  return text.replace(/[[\]:]/g, "\\$&");
}
