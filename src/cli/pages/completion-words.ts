// What may stand at the cursor, for the shells whose completions are functions: text that bash and zsh read alike. Pure.
import type { Command, Option } from 'commander';
import { commandsOf, flagsOf, pathOf } from './tree.js';

/** Commands whose arguments are a source and jobs. */
export const takesJobs = (command: Command): boolean =>
  command.registeredArguments.some((each) => each.name() === 'source') &&
  command.registeredArguments.some((each) => each.name() === 'job');

const words = (option: Option): string[] => [option.short, option.long].filter((word) => word !== undefined);
const key = (command: Command): string => pathOf(command).join('_');

/** Flags that take a value, which is no argument of the command, each after its command: `--sync` has one of `serve` alone. */
export const valuedOf = (commands: readonly Command[]): string[] =>
  commands.flatMap((command) =>
    flagsOf(command)
      .filter(({ required }) => required)
      .flatMap(words)
      .map((word) => `${key(command)}:${word}`),
  );

/**
 * A function of the word at the cursor and of those before it, without the program's name and without quotes. It sets `what`: `words`, which are in
 * `list`; `sources`; `jobs`, whose source is in `list`; `files`; or nothing. And `url` and `token`, where the line names a gateway or a file with its
 * token. No word of the line is expanded again.
 */
export function wantedFunction(program: Command, own: string): string {
  const commands = commandsOf(program);
  const within = program.commands.filter((each) => each.commands.length > 0);
  const names = (of: readonly Command[]): string => of.map((each) => each.name()).join(' ');
  const offer = (list: string): string => `what=words list="${list}"`;
  const inner = within.map((each) => `    ${each.name()}) ${offer(names(each.commands))}; return ;;`);
  const choices = commands.flatMap((command) =>
    flagsOf(command).flatMap((option) =>
      option.argChoices
        ? words(option).map(
            (word) => `    ${key(command)}:${word}) ${offer(option.argChoices?.join(' ') ?? '')}; return ;;`,
          )
        : [],
    ),
  );
  const flags = commands.map(
    (each) => `      ${key(each)}) ${offer([...flagsOf(each).flatMap(words), '--help'].join(' '))} ;;`,
  );
  return `${own}_wanted() {
  local current=$1 word command= last= skip= first= speed= count=0
  shift
  for word in "$@"; do
    last=$word
    if [[ -n $skip ]]; then
      case $skip in --url) url=$word ;; --token-file) token=$word ;; esac
      skip=
      continue
    fi
    case $command:$word in
    ${valuedOf(commands).join('|')}) skip=$word ;;
    *:--url=*) url=\${word#*=} ;;
    *:--token-file=*) token=\${word#*=} ;;
    *:-?*) ;;
    *) if [[ -z $command ]]; then command=$word
       elif [[ " ${names(within)} " == *" $command "* ]]; then command=\${command}_$word
       elif [[ $command == speed && -z $speed ]]; then speed=$word
       else
         [[ $count == 0 ]] && first=$word
         count=$((count + 1))
       fi ;;
    esac
  done
  if [[ -z $command ]]; then
    ${offer(`${names(program.commands)} --help --version`)}
    return
  fi
  case $command in
${inner.join('\n')}
  esac
  case $command:$last in
${choices.join('\n')}
    *:--source) what=sources; return ;;
    *:--config|*:--data|*:--tokens|*:--token-file|*:--tls-*|*:--jwt-key) what=files; return ;;
  esac
  if [[ $current == -?* ]]; then
    case $command in
${flags.join('\n')}
    esac
    return
  fi
  case $command in
    ${commands.filter(takesJobs).map(key).join('|')})
      [[ $command == speed && -z $speed ]] && return
      if [[ $count == 0 ]]; then what=sources; else what=jobs list=$first; fi ;;
    *) what=files ;;
  esac
}`;
}

/** A function that lists names of the gateway that the line means, as the command would. */
export const askFunction = (own: string, name: string): string => `${own}_ask() {
  QMP_GATEWAY_URL=\${url:-\${QMP_GATEWAY_URL-}} QMP_GATEWAY_TOKEN_FILE=\${token:-\${QMP_GATEWAY_TOKEN_FILE-}} ${name} "$@" -o name -q 2>/dev/null
}`;

/** Names that a verb would read as a flag or as a glob, which may be other jobs. */
export const MISREAD = '-*|*[*?]*';
