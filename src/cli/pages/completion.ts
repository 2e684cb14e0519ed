// Completions for bash, zsh and fish, from the tree of commands. Names of sources and jobs are asked of the gateway as they are typed. Pure.
import type { Command, Option } from 'commander';
import { commandsOf, flagsOf } from './tree.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function completionOf(program: Command, shell: Shell): string {
  const name = program.name();
  const own = shell === 'fish' ? fish(program, name) : bash(program, name);
  return shell === 'zsh' ? `#compdef ${name}\nautoload -U +X bashcompinit && bashcompinit\n${own}` : own;
}

/** Commands whose arguments are a source and jobs. */
const takesJobs = (command: Command): boolean =>
  command.registeredArguments.some((each) => each.name() === 'source') &&
  command.registeredArguments.some((each) => each.name() === 'job');

const words = (option: Option): string[] => [option.short, option.long].filter((word) => word !== undefined);

/** Flags that take a value, which is no argument of the command, each after its command: `--sync` has one of `serve` alone. */
const valuedOf = (commands: readonly Command[]): string[] =>
  commands.flatMap((command) => {
    const valued = flagsOf(command).filter(({ required }) => required);
    return valued.flatMap(words).map((word) => `${path(command).join('_')}:${word}`);
  });

function bash(program: Command, name: string): string {
  const commands = commandsOf(program);
  const within = program.commands.filter((each) => each.commands.length > 0);
  const own = `_${name.replaceAll('-', '_')}`;
  const flags = commands.map(
    (each) => `    ${path(each).join('_')}) flags="${[...flagsOf(each).flatMap(words), '--help'].join(' ')}" ;;`,
  );
  const choices = new Map<string, string>();
  for (const command of commands)
    for (const option of flagsOf(command))
      for (const word of option.argChoices ? words(option) : [])
        choices.set(`${path(command).join('_')}:${word}`, option.argChoices?.join(' ') ?? '');
  const inner = within.map(
    (each) =>
      `    ${each.name()}) COMPREPLY=($(compgen -W "${each.commands.map((one) => one.name()).join(' ')}" -- "$cur")); return ;;`,
  );
  return `${own}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command= flags= args=() word
  local i skip=
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $skip ]]; then skip=; continue; fi
    case $command:$word in
    ${valuedOf(commands).join('|')}) skip=1 ;;
    *:-?*) ;;
    *) if [[ -z $command ]]; then command=$word
       elif [[ " ${within.map((each) => each.name()).join(' ')} " == *" $command "* ]]; then command=\${command}_$word
       else args+=("$word"); fi ;;
    esac
  done
  if [[ -z $command ]]; then
    COMPREPLY=($(compgen -W "${program.commands.map((each) => each.name()).join(' ')} --help --version" -- "$cur"))
    return
  fi
  case $command in
${inner.join('\n')}
  esac
  case $command:$prev in
${[...choices].map(([key, list]) => `    ${key}) COMPREPLY=($(compgen -W "${list}" -- "$cur")); return ;;`).join('\n')}
    *:--source) COMPREPLY=($(compgen -W "$(${name} sources -o name -q 2>/dev/null)" -- "$cur")); return ;;
    *:--config|*:--data|*:--tokens|*:--token-file|*:--tls-*|*:--jwt-key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
  esac
  case $command in
${flags.join('\n')}
  esac
  if [[ $cur == -?* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur")); return; fi
  case $command in
    ${commands
      .filter(takesJobs)
      .map((each) => path(each).join('_'))
      .join('|')})
      if [[ $command == speed ]]; then args=("\${args[@]:1}"); [[ \${#args[@]} == 0 && $prev == speed ]] && return; fi
      if [[ \${#args[@]} == 0 ]]; then
        COMPREPLY=($(compgen -W "$(${name} sources -o name -q 2>/dev/null)" -- "$cur"))
      else
        COMPREPLY=($(compgen -W "$(${name} jobs -o name -q --source "\${args[0]}" 2>/dev/null | cut -d' ' -f2-)" -- "$cur"))
      fi ;;
    *) COMPREPLY=($(compgen -f -- "$cur")) ;;
  esac
}
complete -F ${own} ${name}
`;
}

function fish(program: Command, name: string): string {
  const top = program.commands.map((each) => each.name());
  const names = `__${name.replaceAll('-', '_')}_names`;
  const lines = [namesInFish(names, name, valuedOf(commandsOf(program).filter(takesJobs))), `complete -c ${name} -f`];
  for (const each of program.commands)
    lines.push(
      `complete -c ${name} -n "not __fish_seen_subcommand_from ${top.join(' ')}" -a ${each.name()} -d ${quote(each.description())}`,
    );
  for (const each of program.commands.filter(({ commands }) => commands.length > 0))
    for (const inner of each.commands)
      lines.push(
        `complete -c ${name} -n "__fish_seen_subcommand_from ${each.name()}" -a ${inner.name()} -d ${quote(inner.description())}`,
      );
  for (const command of commandsOf(program)) {
    const when = `-n "${path(command)
      .map((each) => `__fish_seen_subcommand_from ${each}`)
      .join('; and ')}"`;
    for (const option of flagsOf(command)) lines.push(`complete -c ${name} ${when} ${fishFlag(option, name)}`);
    if (takesJobs(command)) lines.push(`complete -c ${name} ${when} -a "(${names})"`);
  }
  return `${lines.join('\n')}\n`;
}

/** A source first, then the jobs of that source: each is an argument of its own. */
function namesInFish(own: string, name: string, valued: readonly string[]): string {
  return `function ${own}
  set -l args
  set -l skip no
  for word in (commandline -opc)[2..-1]
    if test $skip = yes
      set skip no
    else if contains -- "$args[1]:$word" ${valued.join(' ')}
      set skip yes
    else if not string match -q -- '-?*' $word
      set -a args $word
    end
  end
  set -l at 2
  if test "$args[1]" = speed
    test (count $args) -eq 1; and return
    set at 3
  end
  if test (count $args) -lt $at
    ${name} sources -o name -q 2>/dev/null
  else
    ${name} jobs -o name -q --source $args[$at] 2>/dev/null | string replace -r '^\\S+ ' ''
  end
end`;
}

function fishFlag({ short, long, description, argChoices, required }: Option, name: string): string {
  const values =
    long === '--source'
      ? ` -xa "(${name} sources -o name -q 2>/dev/null)"`
      : argChoices
        ? ` -xa ${quote(argChoices.join(' '))}`
        : ' -r';
  return (
    [
      ...(short ? [`-s ${short.slice(1)}`] : []),
      ...(long ? [`-l ${long.slice(2)}`] : []),
      `-d ${quote(description)}`,
    ].join(' ') + (required ? values : '')
  );
}

const quote = (text: string): string => `'${text.replaceAll("'", "\\'")}'`;

const path = (command: Command): string[] =>
  command.parent?.parent ? [...path(command.parent), command.name()] : [command.name()];
