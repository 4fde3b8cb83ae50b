import { allOptions, type Command, commandNames, commands, flagsOf, isShell, type Option, operands, type ShellName } from './options.ts';

/** The names that the package installs its bin under. */
const BINS = ['dbt-envs', 'generator-dbt-envs'] as const;

/** A script for one shell that completes what the tables of commands and flags know. It asks nobody while it completes. */
export function completionFor(shell: string | undefined): string {
  return isShell(shell) ? SCRIPTS[shell]() : '';
}

const SCRIPTS: Readonly<Record<ShellName, () => string>> = { bash, zsh, fish };

type Completes = readonly string[] | 'file' | 'folder' | 'nothing';

/** What a flag's value can be; undefined: it takes none. */
function valuesOf({ value, question }: Option): Completes | undefined {
  if (value === undefined) return undefined;
  if (question?.choices !== undefined) return question.choices.map(({ value: one }) => one);
  return value === 'FILE' ? 'file' : value === 'DIR' ? 'folder' : 'nothing';
}

const dashed = ({ flag, short }: Option): readonly string[] => (short === undefined ? [`--${flag}`] : [`--${flag}`, `-${short}`]);

/** Every flag that a value follows. */
const valued = (): readonly string[] =>
  allOptions()
    .filter(({ value }) => value !== undefined)
    .flatMap(dashed);

/** The flags that can follow a command; `undefined` where none is typed yet. */
const flagsAfter = (command: Command | undefined): readonly Option[] =>
  allOptions().filter(({ flag, only }) => {
    const known: readonly string[] | undefined = command === undefined ? undefined : flagsOf[command];
    return known === undefined ? only === undefined || only === command : known.includes(flag);
  });

/** What is typed after a command that needs a word. */
const wordsAfter = (command: Command): Completes => operands[command]?.choices ?? (operands[command] === undefined ? 'nothing' : 'file');

/** Commands that know flags of their own, or need a word; everything else completes alike. */
const special = (): readonly Command[] =>
  commandNames.filter((name) => operands[name] !== undefined || flagsOf[name] !== undefined || allOptions().some(({ only }) => only === name));

/** The flag whose value may be `@` and a file's name. */
const TEAM = 'team';

/** For bash 3.2 too, which macOS has, and without the package bash-completion. */
function bash(): string {
  const reply = (values: Completes): string => {
    if (values === 'nothing') return 'COMPREPLY=()';
    if (values === 'file' || values === 'folder') return `_dbt_envs_paths ${values === 'file' ? '-f' : '-d'}`;
    return `COMPREPLY=($(compgen -W '${values.join(' ')}' -- "$cur"))`;
  };
  const values = allOptions().flatMap((option) => {
    const found = valuesOf(option);
    return found === undefined ? [] : [`    ${dashed(option).join('|')}) ${reply(found)}; return ;;`];
  });
  const flags = (command: Command | undefined): string => flagsAfter(command).flatMap(dashed).join(' ');
  const words = special().flatMap((name) => (wordsAfter(name) === 'nothing' ? [] : [`      ${name}) ${reply(wordsAfter(name))} ;;`]));
  return `# Completion of dbt-envs for bash. In ~/.bashrc: source <(dbt-envs completion bash)
# Names may have blanks: one a line, and quoted by readline, or here where bash has no compopt.
_dbt_envs_paths() {
  local typed="$cur" name by_hand=''
  case "$typed" in
    \\'*) typed="\${typed:1}" ;;
    \\"*) typed="\${typed:1}"; typed="\${typed//\\\\/}" ;;
    *) typed="\${typed//\\\\/}" ;;
  esac
  compopt -o filenames 2>/dev/null || by_hand=yes
  while IFS= read -r name; do
    # readline knows a folder by its name alone, which has no @ before it.
    if [[ $at == '@' && -d $name ]]; then name="$name/"; compopt -o nospace 2>/dev/null; fi
    name="$at$name"
    if [[ -n $by_hand ]]; then name="$(printf '%q' "$name")"; fi
    COMPREPLY+=("$name")
  done < <(compgen "$1" -- "$typed")
}
_dbt_envs() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command='' word skip='' at=''
  COMPREPLY=()
  # bash takes --flag=value for three words, and @file for two, of which readline then replaces both.
  case "$cur" in
    '='|'=@'|'@') at="\${cur#=}"; cur='' ;;
    *)
      case "$prev" in
        '='|'=@'|'@') at="\${prev#=}"; prev="\${COMP_WORDS[COMP_CWORD-2]}" ;;
      esac ;;
  esac
  if [[ $prev == '--${TEAM}' ]]; then
    case "$cur" in
      \\\\@*) at='@'; cur="\${cur:2}" ;;
      \\"@*|\\'@*) at='@'; cur="\${cur:0:1}\${cur:2}" ;;
    esac
  fi
  if [[ $at == '@' ]]; then
    if [[ $prev == '--${TEAM}' ]]; then _dbt_envs_paths -f; fi
    return
  fi
  case "$prev" in
${values.join('\n')}
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ -n $skip && $word != '=' && $word != '@' && $word != '=@' ]]; then
      skip=''
      continue
    fi
    case "$word" in
      ${valued().join('|')}) skip=1 ;;
      ${commandNames.join('|')}) command="$word"; break ;;
    esac
  done
  if [[ $cur == -* ]]; then
    case "$command" in
${special()
  .map((name) => `      ${name}) COMPREPLY=($(compgen -W '${flags(name)}' -- "$cur")) ;;`)
  .join('\n')}
      *) COMPREPLY=($(compgen -W '${flags(undefined)}' -- "$cur")) ;;
    esac
  else
    case "$command" in
      '') COMPREPLY=($(compgen -W '${commandNames.join(' ')}' -- "$cur")) ;;
${words.join('\n')}
    esac
  fi
}
complete -F _dbt_envs ${BINS.join(' ')}
`;
}

/** https://zsh.sourceforge.io/Doc/Release/Completion-System.html; works sourced, and as a file in $fpath. */
function zsh(): string {
  const action = (values: Completes): string =>
    values === 'nothing' ? ' ' : values === 'file' ? '_files' : values === 'folder' ? '_files -/' : `(${values.join(' ')})`;
  const spec = (option: Option): string => {
    const names = dashed(option);
    const values = valuesOf(option);
    const what = `[${escaped(option.help, /[[\]\\]/g)}]${values === undefined ? '' : `:${escaped(option.flag, /:/g)}:${action(values)}`}`;
    const suffix = values === undefined ? '' : '=';
    return names.length === 1
      ? quoted(`${names[0]}${suffix}${what}`)
      : `${quoted(`(${names.join(' ')})`)}{${names.map((name) => (name.startsWith('--') ? name + suffix : name)).join(',')}}${quoted(what)}`;
  };
  const specs = (command: Command | undefined): string =>
    flagsAfter(command)
      .map((option) => `        ${spec(option)}`)
      .join(' \\\n');
  const word = (name: Command): string => {
    const values = wordsAfter(name);
    return values === 'nothing' ? '' : ` \\\n        ${quoted(`2:${operands[name]?.noun ?? name}:${action(values)}`)}`;
  };
  return `#compdef ${BINS.join(' ')}
# Completion of dbt-envs for zsh. In ~/.zshrc, after compinit: source <(dbt-envs completion zsh)
_dbt_envs() {
  local word command='' skip=''
  local -a parts takes
  parts=(
${commandNames.map((name) => `    ${quoted(`${name}:${escaped(commands[name], /[:\\]/g)}`)}`).join('\n')}
  )
  takes=(${valued().join(' ')})
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $skip ]]; then skip=''; continue; fi
    if (( \${takes[(Ie)$word]} )); then skip=1; continue; fi
    if (( \${parts[(I)$word:*]} )); then command="$word"; break; fi
  done
  _dbt_envs_parts() { _describe -t commands part parts }
  case "$command" in
${special()
  .map(
    (name) => `    ${name})
      _arguments -S \\
        '1:part:_dbt_envs_parts' \\
${specs(name)}${word(name)}
      ;;`,
  )
  .join('\n')}
    *)
      _arguments -S \\
        '1:part:_dbt_envs_parts' \\
${specs(undefined)}
      ;;
  esac
}
if [[ "$funcstack[1]" == _dbt_envs ]]; then
  _dbt_envs "$@"
else
  compdef _dbt_envs ${BINS.join(' ')}
fi
`;
}

/** https://fishshell.com/docs/current/completions.html */
function fish(): string {
  const at = (names: readonly string[]): string => `__dbt_envs_at ${names.join(' ')}`;
  const lines = allOptions().map((option) => {
    const { flag, short, help, only } = option;
    const values = valuesOf(option);
    const takes = values === undefined ? '' : values === 'file' ? ' -r -F' : values === 'folder' ? " -x -a '(__fish_complete_directories)'" : ' -x';
    const choices = typeof values === 'object' ? ` -a ${quotedForFish(values.join(' '))}` : '';
    const refused = special().filter((name) => flagsOf[name] !== undefined && !flagsAfter(name).some((one) => one.flag === flag));
    const conditions = [...(only === undefined ? [] : [at([only])]), ...(refused.length === 0 ? [] : [`not ${at(refused)}`])];
    const where = conditions.length === 0 ? '' : ` -n ${quotedForFish(conditions.join('; and '))}`;
    return `complete -c dbt-envs${where}${short === undefined ? '' : ` -s ${short}`} -l ${flag}${takes}${choices} -d ${quotedForFish(help)}`;
  });
  const words = special().flatMap((name) => {
    const values = wordsAfter(name);
    if (values === 'nothing') return [];
    return [`complete -c dbt-envs -n '${at([name])}' ${typeof values === 'object' ? `-a '${values.join(' ')}'` : '-F'}`];
  });
  return `# Completion of dbt-envs for fish. Once: dbt-envs completion fish > ~/.config/fish/completions/dbt-envs.fish
# Whether the part that was typed is one of these; none: none was. What follows a flag with a value is no part.
function __dbt_envs_at
  set -l part none
  set -l skip
  for word in (commandline -opc)[2..-1]
    if test -n "$skip"
      set skip
    else if contains -- $word ${valued().join(' ')}
      set skip yes
    else if contains -- $word ${commandNames.join(' ')}
      set part $word
      break
    end
  end
  contains -- $part $argv
end
complete -c dbt-envs -f
${commandNames.map((name) => `complete -c dbt-envs -n '${at(['none'])}' -a ${name} -d ${quotedForFish(commands[name])}`).join('\n')}
${[...words, ...lines].join('\n')}
complete -c generator-dbt-envs -w dbt-envs
`;
}

const escaped = (text: string, special: RegExp): string => text.replaceAll(special, '\\$&');
/** For bash and zsh. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const quotedForFish = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
